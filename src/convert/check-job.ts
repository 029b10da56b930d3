/**
 * What a conversion begins with: all that can be known to be wrong before the GPU has anything to do. A dry run does the
 * same, and so finds the same.
 */
import type { ModelDirectory } from '../io/model-directory.ts';
import { workDirectory } from '../io/work-directory.ts';
import type { ModelPlan } from '../model/plan.ts';
import { loadTokenizer, type Tokenizer } from '../tokenizer/tokenizer.ts';
import { checkBuffers } from './check-buffers.ts';
import type { ConvertJob } from './convert-job.ts';
import { checkLayers } from './layer-range.ts';
import { type Measurement, measurementFromJson } from './measurement-json.ts';
import { openModel } from './open-model.ts';
import { checkOutput } from './output-directory.ts';
import { checkTarget } from './plan.ts';
import type { ConvertSettings } from './settings.ts';

/** A model that can be converted as asked for. */
export interface OpenedJob {
  readonly source: ModelDirectory;
  readonly plan: ModelPlan;
  readonly tokenizer: Tokenizer;
  /** The one that was given, if any. */
  readonly measurement: Measurement | undefined;
}

/** How many unused tensors a warning names. */
const MAX_LISTED = 3;

/**
 * Looks at all of a job, and warns of tensors that it has no use for.
 * @param largestBuffer bytes that the GPU allows in one; undefined: there is none to ask.
 * @throws InputError, UnsupportedError.
 */
export async function checkJob(
  { emit, ...job }: Pick<ConvertJob, 'model' | 'output' | 'work' | 'settings' | 'emit'>,
  largestBuffer: number | undefined,
): Promise<OpenedJob> {
  await checkPlace(job);
  const opened = await openForJob(job);
  if (largestBuffer !== undefined) checkBuffers(opened.plan, largestBuffer);
  checkBits(opened, job.settings);
  const { unexpected, config } = opened.plan;
  if (unexpected.length > 0) {
    const names = unexpected.slice(0, MAX_LISTED).join(', ');
    const message = `${unexpected.length} tensors of the model are not used by ${config.architecture} and will not be in the output: ${names}${unexpected.length > MAX_LISTED ? ', …' : ''}`;
    emit({ type: 'warning', message });
  }
  return opened;
}

/** Opens the model with its tokenizer, and the measurement that was given. Throws InputError, UnsupportedError. */
export async function openForJob({
  model,
  settings,
}: Pick<ConvertJob, 'model' | 'settings'>): Promise<OpenedJob> {
  const { source, plan } = await openModel(model, settings);
  checkLayers(plan, settings.measureLayers);
  const tokenizer = await loadTokenizer(model);
  const measurement =
    settings.measurement === undefined ? undefined : measurementFromJson(settings.measurement, plan);
  return { source, plan, tokenizer, measurement };
}

/** Throws InputError when the output has no place to go. */
export async function checkPlace({
  output,
  work,
  settings,
}: Pick<ConvertJob, 'output' | 'work' | 'settings'>): Promise<void> {
  if (!settings.measureOnly) await checkOutput(output, workDirectory(work));
}

/** Throws InputError when no allocation is as small as asked for. */
export function checkBits(
  { plan, measurement }: OpenedJob,
  { bits, quantizer, measureOnly }: ConvertSettings,
): void {
  if (!measureOnly) checkTarget(plan, bits, quantizer.method, measurement);
}
