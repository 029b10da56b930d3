import { checkBits, checkPlace, type OpenedJob, openForJob } from '../../convert/check-job.ts';
import { neededTokens } from '../../estimate/token-need.ts';
import { nodeDirectory } from '../../io/platform/node/node-directory.ts';
import { nodeModelDirectory } from '../../io/platform/node/node-model-directory.ts';
import type { ConvertSettings } from '../../job/settings.ts';
import { longestRow } from '../../model/sizes.ts';
import type { OpenTokenizer } from '../../tokenizer/tokenizer.ts';
import { InputError, UnsupportedError } from '../../util/errors.ts';
import { calibrationFor } from '../calibration.ts';
import { convertSettings } from '../conversion.ts';
import { openFile } from '../open-file.ts';
import type { QueueJob } from '../options.ts';
import { checkFree } from '../work-lock.ts';

/** On what jobs will run. */
export interface JobsHost {
  /** Whether that is an adapter in software. */
  readonly software: boolean;
  readonly openTokenizer?: OpenTokenizer;
}

/**
 * Reads every model's headers and tokenizer and the user's calibration data, and looks at every folder, so that what is
 * wrong with the last job is said before the first one has taken hours.
 * @throws InputError with all that is wrong.
 */
export async function checkJobs(jobs: readonly QueueJob[], host: JobsHost): Promise<void> {
  const [first] = jobs;
  const settings = await convertSettings(first!.options, host.software);
  const { calDataset } = first!.options;
  if (calDataset !== undefined) await openFile(calDataset);
  const wrong: string[] = [];
  for (const inDir of new Set(jobs.map(({ options }) => options.inDir))) {
    const ofModel = jobs.filter(({ options }) => options.inDir === inDir);
    const opened = await problemOf(() => open(ofModel[0]!, settings, host));
    if (typeof opened === 'string') wrong.push(opened.includes(inDir) ? opened : `${inDir}: ${opened}`);
    else for (const job of ofModel) wrong.push(...(await problemsOf(job, settings, opened)));
  }
  if (wrong.length === 0) return;
  throw new InputError(`Nothing was started, as not all jobs can be done:\n  ${wrong.join('\n  ')}`);
}

async function open(
  { options }: QueueJob,
  settings: ConvertSettings,
  { software, ...host }: JobsHost,
): Promise<OpenedJob> {
  const model = nodeModelDirectory(options.inDir);
  const opened = await openForJob({ model, settings, ...host });
  if (options.calDataset === undefined) return opened;
  const { measurement, quantization } = calibrationFor(options, software);
  const { plan, tokenizer } = opened;
  await measurement(tokenizer, neededTokens(plan), longestRow(plan));
  await quantization?.(tokenizer, neededTokens(plan), longestRow(plan));
  return opened;
}

async function problemsOf(
  { name, options }: QueueJob,
  settings: ConvertSettings,
  opened: OpenedJob,
): Promise<string[]> {
  const { bits, outputDir, workDir } = options;
  const places = { output: nodeDirectory(outputDir), work: nodeDirectory(workDir) };
  const checks = [
    async () => checkBits(opened, { ...settings, bits }),
    () => checkPlace({ ...places, settings }),
    () => checkFree(workDir),
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
