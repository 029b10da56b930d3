import { basename } from 'node:path';
import { isArtefact } from '../convert/artefacts.ts';
import { checkWeightsNow, weightBytes } from '../convert/check-weights.ts';
import { convert } from '../convert/convert.ts';
import type { Emit } from '../convert/events.ts';
import { dropJob } from '../convert/job.ts';
import { checkLayers } from '../convert/layer-range.ts';
import { modelFacts } from '../convert/model-facts.ts';
import { openModel } from '../convert/open-model.ts';
import { planConversion } from '../convert/plan.ts';
import type { ConvertSettings } from '../convert/settings.ts';
import { defaultBudget, openGpu } from '../gpu/device.ts';
import { readJsonFile } from '../io/json.ts';
import { nodeDirectory } from '../io/platform/node-directory.ts';
import { InputError, UnsupportedError } from '../util/errors.ts';
import { calibrationFor, plannedRows } from './calibration.ts';
import type { Card } from './cards.ts';
import { type OpenAdapter, openAdapter } from './gpu.ts';
import { startHelpers } from './helpers.ts';
import { pathInside } from './inside.ts';
import { checkMeasurementFile, writeMeasurementFile } from './measurement-file.ts';
import { openFile } from './open-file.ts';
import type { CliOptions } from './options.ts';
import { speedFile } from './speed-file.ts';

/** Where and on what a conversion runs. */
export interface ConversionHost {
  readonly adapter: OpenAdapter;
  /** Of all workers; this process sees the first. Empty: what the system chooses. */
  readonly cards: readonly Card[];
  /** The repository. */
  readonly root: string;
}

/** Converts. Throws the signal's reason when it is aborted. */
export async function runConversion(
  options: CliOptions,
  { adapter: { adapter, name, software }, cards, root }: ConversionHost,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  const { inDir, workDir, workers } = options;
  const work = nodeDirectory(options.workDir);
  await checkMeasurementFile(options);
  const settings = await convertSettings(options);
  if (!options.resume) {
    checkInputsStay(options);
    await dropJob(work);
  }
  const budgetBytes = Math.floor((options.gpuMemoryBytes ?? defaultBudget(software)) / workers);
  const gpuName = options.gpu !== undefined && { gpu: options.gpu };
  const helpers = startHelpers({ inDir, workDir, budgetBytes, cards, workers, root, ...gpuName }, signal);
  try {
    const gpu = await openGpu(adapter, budgetBytes);
    await convert({
      gpu,
      adapter: { name, software },
      speeds: speedFile(),
      model: nodeDirectory(inDir),
      output: nodeDirectory(options.outputDir),
      work,
      settings,
      calibration: calibrationFor(options, software),
      emit,
      control: { signal },
      helpers: helpers.links,
    }).finally(() => gpu.destroy());
  } finally {
    helpers.stop();
  }
  await writeMeasurementFile(options);
}

/** Throws InputError when an input of this job would be dropped with the earlier one. */
function checkInputsStay({ workDir, measurement, calDataset }: CliOptions): void {
  for (const [option, file] of Object.entries({ measurement, cal_dataset: calDataset })) {
    const path = file && pathInside(workDir, file);
    if (!path || !isArtefact(path)) continue;
    throw new InputError(
      `--no_resume empties the work directory ${workDir}, and with it the ${path} that --${option} names: copy that ` +
        'file elsewhere first, and name the copy.',
    );
  }
}

async function convertSettings(options: CliOptions): Promise<ConvertSettings> {
  const { bits, headBits, quantizer, precision, shardBytes, ropeScale, ropeAlpha } = options;
  const { measurement, outputMeasurement, measureLayers, calDataset } = options;
  return {
    bits,
    headBits,
    quantizer,
    precision,
    shardBytes,
    ...(ropeScale !== undefined && { ropeScale }),
    ...(ropeAlpha !== undefined && { ropeAlpha }),
    dataset: calDataset === undefined ? 'default' : basename(calDataset),
    ...(measurement !== undefined && { measurement: await readJsonFile(await openFile(measurement)) }),
    measureOnly: outputMeasurement !== undefined,
    ...(measureLayers !== undefined && { measureLayers }),
  };
}

/** Bytes of weights that a plan looks at: a second or two. */
const PLAN_BYTES = 2 ** 31;

/** Emits the plan of the conversion; needs no GPU. Reads headers only, and the weights of small models. */
export async function runDryRun(options: CliOptions, emit: Emit): Promise<void> {
  const { inDir, bits, headBits, quantizer, gpu } = options;
  const { source, plan, warnings } = await openModel(nodeDirectory(inDir), options);
  checkLayers(plan, options.measureLayers);
  for (const message of warnings) emit({ type: 'warning', message });
  emit({ type: 'start', model: modelFacts(source, plan), bitsPerWeight: bits, headBits });
  const rows = plannedRows(options, await isSoftwareOnly(gpu));
  const planned = planConversion(source, plan, { bits, headBits, quantizer, ...rows });
  const isSmall = weightBytes(source, plan) <= PLAN_BYTES;
  if (isSmall) await checkWeightsNow(source, plan);
  emit({ ...planned, ...(isSmall && { weightsChecked: true }) });
}

/** Without a GPU the conversion runs on an adapter in software. */
export async function isSoftwareOnly(gpu: string | undefined): Promise<boolean> {
  try {
    return (await openAdapter(gpu)).software;
  } catch (error) {
    if (error instanceof UnsupportedError) return true;
    throw error;
  }
}
