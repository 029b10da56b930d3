/**
 * What a conversion begins with: all that can be known to be wrong before the GPU has anything to do. A dry run does the
 * same, and so finds the same.
 */

import { type WorkDirectory, workDirectory } from '../io/work/work-directory.ts';
import { checkLayers } from '../job/layer-range.ts';
import type { ConvertSettings } from '../job/settings.ts';
import { type Measurement, measurementAdvice, measurementFromJson } from '../measurement/measurement-json.ts';
import { type OpenModel, openModel } from '../model/check/open-model.ts';
import type { ModelPlan } from '../model/spec.ts';
import { loadTokenizer, type TokenEncoder } from '../tokenizer/tokenizer.ts';
import { at } from '../util/errors.ts';
import { checkOutput } from '../write/output-directory.ts';
import type { ConvertJob } from './convert-job.ts';
import { checkTarget } from './plan-conversion.ts';

/** A model that can be converted as asked for. */
export interface OpenedJob extends OpenModel {
  readonly tokenizer: TokenEncoder;
  /** The one that was given, if any. */
  readonly measurement: Measurement | undefined;
}

/**
 * Looks at all of a job, and warns of what there is to know of the model and the measurement.
 * @throws InputError, UnsupportedError.
 */
export async function checkJob({
  emit,
  ...job
}: Pick<
  ConvertJob,
  'model' | 'output' | 'work' | 'settings' | 'openTokenizer' | 'emit'
>): Promise<OpenedJob> {
  await checkPlace(job);
  const opened = await openForJob(job);
  checkBits(opened, job.settings);
  for (const message of warningsOf(opened, job.settings)) emit({ type: 'warning', message });
  return opened;
}

function warningsOf({ warnings, measurement }: OpenedJob, { quantizer }: ConvertSettings): readonly string[] {
  const advice = measurement && measurementAdvice(quantizer.method, measurement);
  return advice === undefined ? warnings : [...warnings, advice];
}

/** The work directory; warns of each artefact that is made again. */
export const workOf = ({ work, emit }: Pick<ConvertJob, 'work' | 'emit'>): WorkDirectory =>
  workDirectory(work, (path) => {
    const message = `${path} in the work directory ${work.name} is damaged, or of another job: what it held is made again.`;
    emit({ type: 'warning', message });
  });

/** Opens the model with its tokenizer, and the measurement that was given. Throws InputError, UnsupportedError. */
export async function openForJob({
  model,
  settings,
  openTokenizer = loadTokenizer,
}: Pick<ConvertJob, 'model' | 'settings' | 'openTokenizer'>): Promise<OpenedJob> {
  const opened = await openModel(model, settings);
  const { plan } = opened;
  checkLayers(plan, settings.measureLayers);
  const tokenizer = await openTokenizer(model);
  const measurement = await givenMeasurement(plan, settings);
  return { ...opened, tokenizer, measurement };
}

/** Throws InputError that names the file when it is none of this model, or not one that can be quantized by. */
const givenMeasurement = async (
  plan: ModelPlan,
  { measurement, measurementName = 'the measurement' }: ConvertSettings,
): Promise<Measurement | undefined> =>
  measurement === undefined ? undefined : at(measurementName, () => measurementFromJson(measurement, plan));

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
