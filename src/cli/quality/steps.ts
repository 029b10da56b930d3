import { nodeModelDirectory } from '../../io/platform/node/node-model-directory.ts';
import { openRunnableModel, type RunnableModel } from '../../runnable/runnable-model.ts';
import { InputError } from '../../util/errors.ts';
import { checkApart } from '../job-places.ts';
import type { QueueJob } from '../options.ts';
import type { VariantJobs } from './jobs.ts';

/** One row of the table to be: a conversion to make and evaluate, or a finished model to evaluate. */
export type Step = ConvertStep | FinishedStep;

export interface ConvertStep {
  readonly kind: 'convert';
  /** Of the variant. */
  readonly name: string;
  readonly bits: number;
  /** The others at the same bits are compared with it. */
  readonly isFirst: boolean;
  readonly job: QueueJob;
}

export interface FinishedStep {
  readonly kind: 'finished';
  readonly name: string;
  readonly bits: number | undefined;
  readonly model: RunnableModel;
}

/** All that is to be done with one original: by bits, and within them in the order of the variants. */
export interface ModelSteps {
  /** The original's folder. */
  readonly inDir: string;
  readonly steps: readonly Step[];
}

/** @param finished EXL2 models that are there already; they go with the one original that is given. */
export function stepsOf(variants: readonly VariantJobs[], finished: readonly FinishedStep[]): ModelSteps[] {
  const jobs = variants[0]!.jobs;
  const asked = [...new Set(jobs.map(({ options }) => options.bits))];
  const others = finished.flatMap(({ bits }) => (bits === undefined || asked.includes(bits) ? [] : [bits]));
  const order = [...asked, ...[...new Set(others)].sort((a, b) => a - b), undefined];
  return [...new Set(jobs.map(({ options }) => options.inDir))].map((inDir) => ({
    inDir,
    steps: order.flatMap((bits) => [
      ...variants.flatMap(({ variant, jobs }, index) =>
        jobs
          .filter(({ options }) => options.inDir === inDir && options.bits === bits)
          .map((job): ConvertStep => {
            return { kind: 'convert', name: variant.name, bits: bits!, isFirst: index === 0, job };
          }),
      ),
      ...finished.filter((model) => model.bits === bits),
    ]),
  }));
}

/**
 * Opens finished models.
 * @param folders absolute paths.
 * @throws InputError where it is not clear what to compare them with, or a conversion would replace one.
 */
export async function openFinished(
  folders: readonly string[],
  variants: readonly VariantJobs[],
): Promise<FinishedStep[]> {
  const jobs = variants.flatMap(({ jobs }) => jobs);
  const originals = new Set(jobs.map(({ options }) => options.inDir));
  if (folders.length > 0 && originals.size > 1) {
    throw new InputError(
      `--model is compared with one original, but ${originals.size} are given: give one -i with it.`,
    );
  }
  const twice = folders.find((folder, index) => folders.indexOf(folder) !== index);
  if (twice !== undefined) throw new InputError(`--model ${twice} is given twice: give it once.`);
  const names = new Set(variants.map(({ variant }) => variant.name));
  const finished: FinishedStep[] = [];
  for (const folder of folders) {
    for (const { options } of jobs) checkApart(['--model', folder], ['the output', options.outputDir]);
    const model = await openRunnableModel(nodeModelDirectory(folder), jobs[0]!.options);
    const name = nameOf(folder, names);
    names.add(name);
    finished.push({ kind: 'finished', name, bits: model.quantization?.bits, model });
  }
  return finished;
}

/** The shortest end of the path that no other row is called by. */
function nameOf(folder: string, taken: ReadonlySet<string>): string {
  const parts = folder.split(/[\\/]/);
  const ends = parts.map((_, from) => parts.slice(from).join('/')).reverse();
  return ends.find((end) => end !== '' && !taken.has(end)) ?? folder;
}
