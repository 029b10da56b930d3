import { join } from 'node:path';
import { InputError } from '../../util/errors.ts';
import type { Arguments } from '../arguments.ts';
import { bitsName, checkApart, jobName, modelFolder } from '../job-places.ts';
import { checkedOptions } from '../option-values.ts';
import type { Places, QueueJob, QueueOptions } from '../options.ts';
import { userPath } from '../user-path.ts';

/**
 * The jobs of several models or bitrates: every model at every bitrate, those of a model one after the other.
 * @throws InputError for values that are wrong, and for jobs that would get into each other's way.
 */
export function parseQueue(
  given: Arguments,
  of: { readonly models: readonly (string | undefined)[]; readonly bits: readonly number[] },
  places: Places,
): QueueOptions {
  const models = of.models.map((path) => modelFolder(path, places));
  refuseTwice(models, (model) => `-i ${model}`);
  refuseTwice(of.bits, (bits) => `-b ${bits}`);
  refuseSingular(given, models);
  const jobs = models.flatMap((inDir) => of.bits.map((bits) => queueJob(given, { inDir, bits }, places)));
  refuseSameNames(jobs);
  for (const { options } of jobs) {
    for (const model of models) {
      checkApart(['--in_dir', model], ['the output', options.outputDir]);
      checkApart(['--in_dir', model], ['the work directory', options.workDir]);
    }
  }
  return { jobs, ...(given.jobs !== undefined && { atATime: given.jobs }) };
}

/** `-cf` and `-o` are where the jobs' folders go. */
function queueJob(
  given: Arguments,
  { inDir, bits }: { inDir: string; bits: number },
  { cwd, root }: Places,
): QueueJob {
  const name = jobName(inDir, bits);
  const outputs = given.compile_full === undefined ? join(root, 'out') : userPath(cwd, given.compile_full);
  const own = {
    ...given,
    in_dir: inDir,
    bits,
    compile_full: join(outputs, name),
    out_dir:
      given.out_dir === undefined
        ? join(outputs, `.${name}.work`)
        : join(userPath(cwd, given.out_dir), `${name}.work`),
  };
  return { name, options: checkedOptions(own, { cwd, root }), given: own };
}

function refuseTwice<T>(values: readonly T[], said: (value: T) => string): void {
  const twice = values.find((value, index) => values.indexOf(value) !== index);
  if (twice !== undefined) throw new InputError(`${said(twice)} is given twice: give it once.`);
}

function refuseSingular(given: Arguments, models: readonly string[]): void {
  if (given.output_measurement !== undefined)
    throw new InputError('--output_measurement only measures: give one model and one bitrate with it.');
  if (given.measurement !== undefined && models.length > 1)
    throw new InputError(
      `--measurement is of one model, but ${models.length} are given: give one -i with it.`,
    );
}

function refuseSameNames(jobs: readonly QueueJob[]): void {
  for (const [index, job] of jobs.entries()) {
    const other = jobs.slice(0, index).find(({ name }) => name.toLowerCase() === job.name.toLowerCase());
    if (other === undefined) continue;
    throw new InputError(
      `${other.options.inDir} and ${job.options.inDir} would both be written to ${job.options.outputDir}: ` +
        `folders are named after model and bits (${bitsName(job.options.bits)}bpw). Rename one model's folder, or ` +
        'convert the two by commands of their own.',
    );
  }
}
