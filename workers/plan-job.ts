import { mixShape } from '../src/calibrate/mix/mix-plan.ts';
import { type CalibrationShapes, presetShapes, shapesWithin } from '../src/calibrate/preset.ts';
import { planConversion } from '../src/convert/plan-conversion.ts';
import { neededTokens, tooFewTokensWarning } from '../src/estimate/token-need.ts';
import { estimateWork, type Work } from '../src/estimate/work-estimate.ts';
import { storageRoot } from '../src/io/platform/storage/storage.ts';
import type { PlanEvent } from '../src/job/events.ts';
import { quantizerSettings } from '../src/job/settings.ts';
import {
  type Measurement,
  measurementAdvice,
  measurementFromJson,
} from '../src/measurement/measurement-json.ts';
import { longestRow } from '../src/model/sizes.ts';
import { InputError } from '../src/util/errors.ts';
import { formatDecimalSize } from '../src/util/text/byte-size.ts';
import type { GpuFacts } from './api/gpu.ts';
import type { JobOptions, JobPlan, JobTimes } from './api/options.ts';
import { otherGpusOf } from './gpu-choice.ts';
import type { OpenedModel } from './open-source.ts';
import { wasmRefused } from './wasm-refused.ts';

type Problem = JobPlan['problems'][number];

/** All in all the engine computes at about half the rate of large products alone. */
const EFFICIENCY = 0.5;
/** At which the engine reads a model; browsers' file access is slower than the disk. */
const READ_BYTES_PER_SECOND = 400e6;

/** What a job will make, take and need; `gpu` undefined: there is none, as `problem` says. */
export async function planJob(
  model: OpenedModel,
  options: JobOptions,
  gpu: GpuFacts | undefined,
): Promise<JobPlan> {
  const problems: Problem[] = [];
  const measured = checkMeasurement(model, options, problems);
  const shapes = calibrationShapes(model, options);
  const plans = options.bits.map((bits) =>
    planTarget(model, options, bits, { ...shapes, measured }, problems),
  );
  const made = plans.filter((plan) => plan !== undefined);
  const { workers = 1 } = options;
  const all = 1 + otherGpusOf(options).length;
  const most = (need: (plan: PlanEvent) => number) => Math.max(0, ...made.map(need));
  // Of the work directories only the one in use is there.
  const working = most(({ diskBytes, outputBytes }) => diskBytes - outputBytes);
  const plan = {
    outputBytes: plans.map((each) => (each ? weightBytes(each.outputParts) : 0)),
    gpuBytes: workers * most(({ gpuBytes }) => gpuBytes),
    memoryBytes: all * most(({ memoryBytes }) => memoryBytes),
    states: {
      gpuBytes: all * most(({ states }) => states.gpuBytes),
      memoryBytes: all * most(({ states }) => states.memoryBytes),
      diskBytes: all * most(({ states }) => states.diskBytes),
      diskSeconds: most(({ states }) => states.diskSeconds),
    },
    diskBytes: working + made.reduce((sum, { outputBytes }) => sum + outputBytes, 0),
    times: gpu ? timesOf(model, options, shapes, gpu) : { measure: 0, target: 0 },
  };
  checkTokens(model, shapes, problems);
  if (gpu)
    checkGpu(
      plan.gpuBytes,
      most(({ gpuBufferBytes }) => gpuBufferBytes),
      options,
      gpu,
      problems,
    );
  await checkStorage(plan.diskBytes, problems);
  await checkBrowser(problems);
  return { ...plan, problems };
}

function calibrationShapes(
  { plan, calibrationText }: OpenedModel,
  { preset, calibrationFile }: JobOptions,
): CalibrationShapes {
  const asked = presetShapes(preset, calibrationFile !== undefined, neededTokens(plan));
  const shapes = shapesWithin(asked, longestRow(plan));
  if (calibrationFile) return shapes;
  const { measurement, quantization } = shapes;
  const choice = { text: calibrationText, preset };
  return {
    measurement: mixShape(choice, 'measurement', measurement),
    quantization: mixShape(choice, 'quantization', quantization),
  };
}

/** What the page means by a model's size: its weight files. */
const weightBytes = ({ modules, head, stored }: PlanEvent['outputParts']): number => modules + head + stored;

/** Undefined, with a problem, for a bitrate that cannot be. */
function planTarget(
  { source, plan }: OpenedModel,
  options: JobOptions,
  bits: number,
  given: CalibrationShapes & { readonly measured: Measurement | undefined },
  problems: Problem[],
): PlanEvent | undefined {
  const { headBits, quantizer, preset, gpuBudgetBytes, memoryBudgetBytes, workers = 1 } = options;
  const all = 1 + otherGpusOf(options).length;
  try {
    return planConversion(source, plan, {
      bits,
      headBits,
      quantizer: quantizerSettings(quantizer, preset),
      ...given,
      budgets: {
        gpuBytes: Math.floor(gpuBudgetBytes / workers),
        memoryBytes: memoryBudgetBytes && Math.floor(memoryBudgetBytes / all),
      },
      workers: all,
    });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    problems.push({ severe: true, text: error.message });
    return undefined;
  }
}

function timesOf(
  { plan, facts }: OpenedModel,
  { quantizer, preset, precision = 'mixed', measurement }: JobOptions,
  shapes: CalibrationShapes,
  { flopsPerSecond, matrixFlopsPerSecond }: GpuFacts,
): JobTimes {
  const mixedRate = precision === 'mixed' ? Math.max(flopsPerSecond, matrixFlopsPerSecond) : flopsPerSecond;
  const computing = ({ mixed, f32 }: Work) => (mixed / mixedRate + f32 / flopsPerSecond) / EFFICIENCY;
  const work = estimateWork(plan, { quantizer: quantizerSettings(quantizer, preset), ...shapes });
  const reading = facts.bytes / READ_BYTES_PER_SECOND;
  return {
    measure: measurement === undefined ? computing(work.measure) + reading : 0,
    target: computing(work.quantize) + reading,
  };
}

/** The measurement that was given; undefined: there is none, or none that can be used, with a problem. */
function checkMeasurement(
  { plan }: OpenedModel,
  { measurement, quantizer }: JobOptions,
  problems: Problem[],
): Measurement | undefined {
  if (measurement === undefined) return undefined;
  try {
    const measured = measurementFromJson(measurement, plan);
    const advice = measurementAdvice(quantizer, measured);
    if (advice !== undefined) problems.push({ severe: false, text: advice });
    return measured;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    problems.push({ severe: true, text: error.message });
    return undefined;
  }
}

function checkTokens({ plan }: OpenedModel, { quantization }: CalibrationShapes, problems: Problem[]): void {
  const text = tooFewTokensWarning(plan, quantization);
  if (text !== undefined) problems.push({ severe: false, text });
}

function checkGpu(
  gpuBytes: number,
  gpuBufferBytes: number,
  { gpuBudgetBytes, preset, workers = 1 }: JobOptions,
  { software, maxBufferBytes }: GpuFacts,
  problems: Problem[],
): void {
  if (gpuBytes > gpuBudgetBytes) {
    const ways = [
      ...(workers > 1 ? ['take fewer workers'] : []),
      ...(preset === 'standard' ? ['take the quick preset, which needs less'] : []),
    ].map((way) => `, or ${way}`);
    const text = `${formatDecimalSize(gpuBytes)} of GPU memory are needed and ${formatDecimalSize(gpuBudgetBytes)} allowed: allow more if the GPU has it${ways.join('')}.`;
    problems.push({ severe: true, text });
  }
  if (gpuBufferBytes > maxBufferBytes) {
    const text = `A buffer of ${formatDecimalSize(gpuBufferBytes)} is needed for a calibration row; this browser and GPU allow ${formatDecimalSize(maxBufferBytes)}. Take the quick preset, whose rows are shorter; another browser may allow more.`;
    problems.push({ severe: true, text });
  }
  if (software) {
    const text = 'There is no GPU that can be used: the processor does the work, some hundred times slower.';
    problems.push({ severe: false, text });
  }
}

/** What a conversion needs besides a GPU, and servers or settings may refuse. */
async function checkBrowser(problems: Problem[]): Promise<void> {
  const refused = [await storageRoot().then(() => undefined, messageOf), await wasmRefused()];
  problems.push(...refused.filter((text) => text !== undefined).map((text) => ({ severe: true, text })));
}

const messageOf = (error: Error): string => error.message;

/** Browsers only say what they would allow at most, some not truly: a hint. */
async function checkStorage(diskBytes: number, problems: Problem[]): Promise<void> {
  const { quota = 0, usage = 0 } = await navigator.storage.estimate();
  if (quota === 0 || diskBytes <= quota - usage) return;
  const text = `Output and work files take ${formatDecimalSize(diskBytes)}; the browser's own storage may have room for ${formatDecimalSize(quota - usage)} only. Free some disk space, or choose an output folder.`;
  problems.push({ severe: false, text });
}
