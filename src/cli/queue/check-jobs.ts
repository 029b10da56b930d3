import { openModel } from '../../convert/open-model.ts';
import { checkOutput } from '../../convert/output-directory.ts';
import { checkTarget } from '../../convert/plan.ts';
import { nodeDirectory } from '../../io/platform/node-directory.ts';
import { nodeModelDirectory } from '../../io/platform/node-model-directory.ts';
import { workDirectory } from '../../io/work-directory.ts';
import type { ModelPlan } from '../../model/plan.ts';
import { type Guard, loadTokenizer } from '../../tokenizer/tokenizer.ts';
import { InputError, UnsupportedError } from '../../util/errors.ts';
import { openFile } from '../open-file.ts';
import type { QueueJob } from '../options.ts';

/**
 * Reads every model's headers and tokenizer and looks at every output folder, so that what is wrong with the last job
 * is said before the first one has taken hours.
 * @throws InputError with all that is wrong.
 */
export async function checkJobs(jobs: readonly QueueJob[], guard?: Guard): Promise<void> {
  const { calDataset, measurement } = jobs[0]!.options;
  for (const file of [calDataset, measurement]) if (file !== undefined) await openFile(file);
  const wrong: string[] = [];
  for (const inDir of new Set(jobs.map(({ options }) => options.inDir))) {
    const ofModel = jobs.filter(({ options }) => options.inDir === inDir);
    const opened = await problemOf(() => open(ofModel[0]!, guard));
    if (typeof opened === 'string') wrong.push(opened.includes(inDir) ? opened : `${inDir}: ${opened}`);
    else for (const job of ofModel) wrong.push(...(await problemsOf(job, opened)));
  }
  if (wrong.length === 0) return;
  throw new InputError(`Nothing was started, as not all jobs can be done:\n  ${wrong.join('\n  ')}`);
}

async function open({ options }: QueueJob, guard: Guard | undefined): Promise<ModelPlan> {
  const directory = nodeModelDirectory(options.inDir);
  const { plan } = await openModel(directory, options);
  await loadTokenizer(directory, guard);
  return plan;
}

async function problemsOf({ name, options }: QueueJob, plan: ModelPlan): Promise<string[]> {
  const { bits, quantizer, measurement, outputDir, workDir } = options;
  const checks = [
    // A measurement that is given may have other candidates.
    async () => measurement === undefined && checkTarget(plan, bits, quantizer.method),
    () => checkOutput(nodeDirectory(outputDir), workDirectory(nodeDirectory(workDir))),
  ];
  const found = await Promise.all(checks.map((check) => problemOf(check)));
  return found.flatMap((problem) => (typeof problem === 'string' ? [`${name}: ${problem}`] : []));
}

/** The result of `check`, or what it has to complain of. */
async function problemOf<T>(check: () => Promise<T>): Promise<T | string> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof InputError || error instanceof UnsupportedError) return error.message;
    throw error;
  }
}
