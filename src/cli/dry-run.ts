import { checkJob, workOf } from '../convert/check-job.ts';
import { checkWeightsNow, modelWeightBytes } from '../convert/check-weights.ts';
import { planConversion } from '../convert/plan-conversion.ts';
import { prepareRows } from '../convert/prepare-rows.ts';
import { checkBuffers } from '../estimate/check-buffers.ts';
import { neededTokens } from '../estimate/token-need.ts';
import { checkAdapter, defaultBudget } from '../gpu/device.ts';
import { largestBufferOf } from '../gpu/memory.ts';
import type { WritableDirectory } from '../io/bytes.ts';
import { memoryDirectory } from '../io/platform/memory-directory.ts';
import { nodeDirectory } from '../io/platform/node/node-directory.ts';
import { nodeModelDirectory } from '../io/platform/node/node-model-directory.ts';
import type { Emit } from '../job/events.ts';
import { checkInputs, holdsJob } from '../job/job.ts';
import { modelSummary } from '../job/model-summary.ts';
import { plainWarnings } from '../job/plain-warnings.ts';
import { longestRow } from '../model/sizes.ts';
import { UnsupportedError } from '../util/errors.ts';
import { calibrationFor, plannedRows } from './calibration.ts';
import { chosenCards } from './cards.ts';
import { checkInputsStay, convertSettings } from './conversion.ts';
import { endableTokenizer } from './endable.ts';
import { type OpenAdapter, openAdapter } from './gpu.ts';
import { budgetFor } from './gpu-memory.ts';
import { defaultMemoryBudget } from './main-memory.ts';
import { checkMeasurementFile } from './measurement-file.ts';
import type { CliOptions } from './options.ts';
import { checkFree } from './work-lock.ts';

/** Bytes of weights that a plan looks at: a second or two. */
const PLAN_BYTES = 2 ** 31;

/**
 * Emits the plan of the conversion; computes nothing and needs no GPU. Looks at the values of small models' weights only.
 * @throws what the conversion itself would throw before it computes anything, and warns of the same; the signal's reason
 * when it is aborted.
 */
export async function runDryRun(options: CliOptions, tell: Emit, signal: AbortSignal): Promise<void> {
  const emit = plainWarnings(tell);
  const { inDir, outputDir, workDir, bits, headBits, workers } = options;
  await checkFree(workDir);
  await checkMeasurementFile(options);
  const cards = await chosenCards(options.gpus);
  if (!options.resume) checkInputsStay(options);
  const opened = await adapterIfAny(options.gpu);
  const adapter = opened instanceof UnsupportedError ? undefined : opened;
  if (adapter) checkAdapter(adapter.adapter);
  const software = adapter?.software ?? true;
  const settings = await convertSettings(options, software);
  const job = {
    ...{ settings, emit, model: nodeModelDirectory(inDir), output: nodeDirectory(outputDir) },
    work: await leftOf(workDir, options.resume),
    calibration: calibrationFor(options, software),
    openTokenizer: endableTokenizer(signal),
  };
  const checked = await checkJob(job);
  const { source, plan, measurement: measured } = checked;
  emit({ type: 'start', model: modelSummary(source, plan), bitsPerWeight: bits, headBits });
  if (opened instanceof UnsupportedError) {
    emit({ type: 'warning', message: `The conversion itself cannot run here: ${opened.message}` });
  }
  const budget = adapter && (await budgetFor(adapter, options.gpuMemoryBytes));
  const budgetBytes = Math.floor(
    (budget?.bytes ?? options.gpuMemoryBytes ?? defaultBudget(software)) / workers,
  );
  const processes = Math.max(1, cards.length) * workers;
  const memoryBudget = Math.floor((options.memoryBytes ?? defaultMemoryBudget()) / processes);
  const { rows, inputs } = await prepareRows(checked, job, { software, budget: budgetBytes, memoryBudget });
  await checkInputs(workOf(job), inputs);
  const planned = plannedRows(options, software, neededTokens(plan), longestRow(plan));
  const { measurement, quantization = planned.quantization } = rows;
  if (adapter) {
    const longest = Math.max(measurement.length, quantization.length);
    checkBuffers(plan, longest, largestBufferOf(adapter.adapter.limits));
  }
  const { quantizer } = settings;
  const budgets = { gpuBytes: budgetBytes, memoryBytes: memoryBudget };
  const sizes = { bits, headBits, quantizer, measurement, quantization, measured };
  const request = { ...sizes, budgets, workers: processes };
  const event = planConversion(source, plan, request);
  const isSmall = modelWeightBytes(source, plan) <= PLAN_BYTES;
  if (isSmall) await checkWeightsNow(source, plan);
  const gpuBudget = budget && { bytes: budgetBytes, why: budget.why };
  emit({ ...event, ...(gpuBudget && { gpuBudget }), ...(isSmall && { weightsChecked: true }) });
}

/** @returns what speaks against it, where there is none. */
export async function adapterIfAny(gpu: string | undefined): Promise<OpenAdapter | UnsupportedError> {
  try {
    return await openAdapter(gpu);
  } catch (error) {
    if (error instanceof UnsupportedError) return error;
    throw error;
  }
}

/** The work directory as the conversion finds it: without `resume` the job in it is dropped before. */
async function leftOf(workDir: string, resume: boolean): Promise<WritableDirectory> {
  const work = nodeDirectory(workDir);
  return resume || !(await holdsJob(work)) ? work : memoryDirectory(workDir);
}
