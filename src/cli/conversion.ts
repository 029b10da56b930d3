import { basename } from 'node:path';
import { learnBudget } from '../autotune/budget.ts';
import { convert } from '../convert/convert.ts';
import { openGpu } from '../gpu/device.ts';
import { nodeDirectory } from '../io/platform/node/node-directory.ts';
import { nodeModelDirectory } from '../io/platform/node/node-model-directory.ts';
import { isArtefact } from '../job/artefacts.ts';
import type { Emit } from '../job/events.ts';
import { dropJob } from '../job/job.ts';
import { BUILT_IN_DATASET, type ConvertSettings, quantizerSettings } from '../job/settings.ts';
import { InputError } from '../util/errors.ts';
import { calibrationFor } from './calibration.ts';
import type { Card } from './cards.ts';
import { endableTokenizer } from './endable.ts';
import type { OpenAdapter } from './gpu.ts';
import { budgetFor } from './gpu-memory.ts';
import { defaultMemoryBudget } from './main-memory.ts';
import { checkMeasurementFile, readMeasurementFile, writeMeasurementFile } from './measurement-file.ts';
import type { CliOptions } from './options.ts';
import { pathInside } from './path-inside.ts';
import { presetOf } from './preset.ts';
import { speedFile } from './speed-file.ts';
import { lockWork } from './work-lock.ts';
import { startWorkerProcesses } from './worker-processes.ts';

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
  host: ConversionHost,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  const unlock = await lockWork(options.workDir);
  try {
    await convertLocked(options, host, emit, signal);
  } finally {
    await unlock();
  }
}

async function convertLocked(
  options: CliOptions,
  { adapter: opened, cards, root }: ConversionHost,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  const { inDir, workDir, workers } = options;
  const { adapter, name, software } = opened;
  const work = nodeDirectory(workDir);
  await checkMeasurementFile(options);
  const settings = await convertSettings(options, software);
  if (!options.resume) {
    checkInputsStay(options);
    await dropJob(work);
  }
  const speeds = speedFile();
  const budget = await budgetFor(opened, options.gpuMemoryBytes, speeds);
  const budgetBytes = Math.floor(budget.bytes / workers);
  const gpuName = options.gpu !== undefined && { gpu: options.gpu };
  const processes = startWorkerProcesses(
    { inDir, workDir, budgetBytes, cards, workers, root, ...gpuName },
    signal,
  );
  try {
    const gpu = await openGpu(adapter, budgetBytes);
    await convert({
      gpu,
      adapter: { name, software, budgetWhy: budget.why },
      speeds,
      model: nodeModelDirectory(inDir),
      output: nodeDirectory(options.outputDir),
      work,
      settings,
      calibration: calibrationFor(options, software),
      emit,
      control: { signal },
      openTokenizer: endableTokenizer(signal),
      memoryBudget: options.memoryBytes ?? defaultMemoryBudget(),
      remotes: processes.links,
    }).finally(async () => {
      gpu.destroy();
      await learnBudget(speeds, adapter.info, budget, gpu.memory, workers);
    });
  } finally {
    processes.stop();
  }
  await writeMeasurementFile(options);
}

/** Throws InputError when an input of this job would be dropped with the earlier one. */
export function checkInputsStay({ workDir, measurement, calDataset }: CliOptions): void {
  for (const [option, file] of Object.entries({ measurement, cal_dataset: calDataset })) {
    const path = file && pathInside(workDir, file);
    if (!path || !isArtefact(path)) continue;
    throw new InputError(
      `--no_resume empties the work directory ${workDir}, and with it the ${path} that --${option} names: copy that ` +
        'file elsewhere first, and name the copy.',
    );
  }
}

/** What the engine needs to know of the options. Throws InputError for a measurement that cannot be read. */
export async function convertSettings(options: CliOptions, software: boolean): Promise<ConvertSettings> {
  const { bits, headBits, quantizer, descentPasses, precision, shardBytes, ropeScale, ropeAlpha } = options;
  const { measurement, outputMeasurement, measureLayers, calDataset } = options;
  return {
    bits,
    headBits,
    quantizer: quantizerSettings(quantizer, presetOf(options, software), descentPasses),
    precision,
    shardBytes,
    ...(ropeScale !== undefined && { ropeScale }),
    ...(ropeAlpha !== undefined && { ropeAlpha }),
    dataset: calDataset === undefined ? BUILT_IN_DATASET : basename(calDataset),
    ...(measurement !== undefined && {
      ...{ measurement: await readMeasurementFile(measurement), measurementName: measurement },
    }),
    measureOnly: outputMeasurement !== undefined,
    ...(measureLayers !== undefined && { measureLayers }),
  };
}
