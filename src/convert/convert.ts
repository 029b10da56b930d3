import { checkStrategy } from '../allocate/check-strategy.ts';
import { optimize, type Strategy } from '../allocate/optimize.ts';
import { strategyToJson } from '../allocate/strategy-json.ts';
import { chooseVariants, usedPrecision } from '../autotune/choose-variants.ts';
import { productSpeed } from '../autotune/measure-speeds.ts';
import type { JobRows, WholeRows } from '../calibrate/rows.ts';
import { startingIndexes } from '../distribute/leader/schedule.ts';
import { PoolWorker, type RemoteWorker, WorkerPool } from '../distribute/leader/worker-pool.ts';
import { checkBuffers } from '../estimate/check-buffers.ts';
import { memoryBeside } from '../estimate/memory-need.ts';
import { stateRoom } from '../estimate/state-places.ts';
import { ARTEFACT, isMeasuredModule } from '../job/artefacts.ts';
import type { StageContext } from '../job/context.ts';
import type { ConvertEvent } from '../job/events.ts';
import { openJob } from '../job/job.ts';
import type { LayerRange } from '../job/layer-range.ts';
import { modelSummary } from '../job/model-summary.ts';
import { plainWarnings } from '../job/plain-warnings.ts';
import type { ConvertSettings } from '../job/settings.ts';
import { stage } from '../job/stage.ts';
import { measure, measuringTasks } from '../measure/measure.ts';
import {
  type Measurement,
  measurementAdvice,
  measurementFromJson,
  measurementToJson,
} from '../measurement/measurement-json.ts';
import { sliceOrigin, sliceToJson } from '../measurement/measurement-slice.ts';
import { StateStore } from '../model/gpu/states/state-store.ts';
import { finishedTensors } from '../quantize/finished-tensors.ts';
import type { QuantizeResult } from '../quantize/quantize.ts';
import { quantizeAgain } from '../quantize/quantize-again.ts';
import { Recorder } from '../report/recorder.ts';
import { assert, InputError } from '../util/errors.ts';
import { isExhausted, mainMemoryError } from '../util/main-memory.ts';
import { checkJob, type OpenedJob, workOf } from './check-job.ts';
import { checkWeights } from './check-weights.ts';
import type { ConvertJob } from './convert-job.ts';
import { type Reference, runReference } from './evaluate-output.ts';
import { openWorkers } from './open-workers.ts';
import { prepareRows, writeRows } from './prepare-rows.ts';
import { SanityChecks } from './sanity-checks.ts';
import { type Findings, writeAndEvaluate } from './write-and-evaluate.ts';

/**
 * Converts a model, from its folder to an EXL2 folder. Every stage leaves an artefact in the work directory and is
 * skipped when that is there, so a job that was stopped anywhere goes on when it is run again.
 *
 * @throws InputError, UnsupportedError, NumericalError, OutOfMemoryError, MainMemoryError, DeviceLostError, or the signal's reason.
 */
export async function convert(given: ConvertJob): Promise<void> {
  const recorder = new Recorder();
  let place = 'the start';
  const emit = (event: ConvertEvent) => {
    if (event.type === 'progress') place = `${event.detail} (${event.stage})`;
    given.emit(event);
  };
  try {
    await convertObserved(observed({ ...given, emit }, recorder), recorder);
  } catch (error) {
    throw isExhausted(error) ? mainMemoryError(place, error) : error;
  }
}

async function convertObserved(job: ConvertJob, recorder: Recorder): Promise<void> {
  const { measureOnly, measureLayers } = job.settings;
  const opened = await checkJob(job);
  const context = await openContext(job, opened);
  reportStart(context, job);
  const { rows, reference, remotes } = await calibrate(context, job, opened);
  const leader = new PoolWorker(1, job.adapter.name, productSpeed(context.speeds));
  const pool = new WorkerPool(leader, remotes, () => context.gpu.memory.used, job.emit);
  try {
    if (measureLayers) return await measureSlice(context, pool, job.settings, rows, measureLayers);
    const measurement = await measureOnce(context, pool, opened, rows);
    if (measureOnly) return await keepMeasurement(context, measurement);
    assert(isWhole(rows), 'rows to quantize with were not made');
    const strategy = await chooseStrategy(context, job, measurement);
    const errors = await quantizeOnce(context, pool, job, rows, strategy);
    await writeAndEvaluate(context, job, { rows, strategy, ...errors, reference, recorder });
  } finally {
    pool.end();
  }
}

/** The job with its events kept for the report, and looked at for what must be warned of. */
function observed(job: ConvertJob, recorder: Recorder): ConvertJob {
  const checks = new SanityChecks();
  const emit = plainWarnings((event) => {
    job.emit(event);
    recorder.see(event);
    for (const message of checks.see(event)) emit({ type: 'warning', message });
  });
  return { ...job, emit };
}

const longestRowOf = ({ measurement, quantization }: JobRows): number =>
  Math.max(measurement.length, quantization?.length ?? 0);

const isWhole = (rows: JobRows): rows is WholeRows => rows.quantization !== undefined;

async function openContext(job: ConvertJob, { source, plan }: OpenedJob): Promise<StageContext> {
  const speeds = await chooseVariants(job.gpu, job.settings.precision, job.speeds);
  const { gpu, emit, control, settings } = job;
  const { quantizer, headBits } = settings;
  const budget = memoryPerWorker(job);
  const beside = memoryBeside(source, plan, quantizer.method, headBits);
  const stateStore = new StateStore(budget && stateRoom(plan, budget, beside), job.work.scratch);
  return { gpu, emit, control, source, plan, work: workOf(job), stateStore, quantizer, speeds };
}

/** Undefined: without limit. */
const memoryPerWorker = ({ memoryBudget, remotes = [] }: ConvertJob): number | undefined =>
  memoryBudget && Math.floor(memoryBudget / (1 + remotes.length));

function reportStart({ source, plan, gpu }: StageContext, { adapter, settings, emit }: ConvertJob): void {
  emit({
    type: 'start',
    model: modelSummary(source, plan),
    gpu: { ...adapter, budgetBytes: gpu.memory.budget, precision: usedPrecision(gpu) },
    bitsPerWeight: settings.bits,
    headBits: settings.headBits,
  });
}

/**
 * Makes the token rows, claims the work directory for a job with these inputs, looks at all weights and tries the
 * original model, while the other workers open.
 */
function calibrate(
  context: StageContext,
  job: ConvertJob,
  opened: OpenedJob,
): Promise<{ rows: JobRows; reference: Reference | undefined; remotes: readonly RemoteWorker[] }> {
  return stage(context, 'calibrate', async () => {
    const memoryBudget = memoryPerWorker(job);
    const host = { software: job.adapter.software, budget: context.gpu.memory.budget, memoryBudget };
    const { rows, heldOut, model, inputs } = await prepareRows(opened, job, host);
    checkBuffers(context.plan, longestRowOf(rows), context.gpu.memory.largestBuffer);
    await openJob(context.work, inputs);
    await job.work.scratch?.clear();
    await writeRows(context.work, rows);
    const starts = await remoteStarts(context, job, rows);
    const opening = openWorkers(job, rows, context.speeds, starts, context.stateStore.room);
    opening.catch(() => {}); // thrown below
    await checkWeights(context, model);
    const reference = heldOut && (await runReference(context, job, heldOut));
    return { rows, reference, remotes: await opening };
  });
}

/** Numbers of the modules that the other workers will likely measure first. */
async function remoteStarts(
  context: StageContext,
  { settings, remotes = [] }: ConvertJob,
  rows: JobRows,
): Promise<(number | undefined)[]> {
  if (remotes.length === 0) return [];
  const { measureLayers, measurement } = settings;
  const isMeasured =
    measurement !== undefined || (await context.work.readJson(ARTEFACT.measurement)) !== undefined;
  if (isMeasured && !measureLayers) return [];
  const tasks = await measuringTasks(context, rows.measurement, measureLayers);
  const [_leader, ...others] = startingIndexes(1 + remotes.length, tasks);
  return others;
}

async function measureOnce(
  context: StageContext,
  pool: WorkerPool,
  { measurement: given }: OpenedJob,
  rows: JobRows,
): Promise<Measurement> {
  const { plan, work, emit } = context;
  const kept = given ? undefined : await work.readJson(ARTEFACT.measurement);
  const earlier = kept === undefined ? given : measurementFromJson(kept, plan);
  if (earlier) {
    emit({ type: 'stage', stage: 'measure', state: 'reused' });
    // Of one that was given it was told at the start.
    const advice = given ? undefined : measurementAdvice(context.quantizer.method, earlier);
    if (advice) emit({ type: 'warning', message: advice });
    return earlier;
  }
  await refuseLostMeasurement(context);
  return stage(context, 'measure', async () => {
    const measurement = await measure(context, pool, rows.measurement);
    await keepMeasurement(context, measurement);
    return measurement;
  });
}

/** One that the job was given cannot be made again. Throws InputError. */
async function refuseLostMeasurement({ work }: StageContext): Promise<void> {
  const { kind } = await work.inspect(ARTEFACT.measurement);
  if (kind === 'missing' || (await work.list()).some(({ path }) => isMeasuredModule(path))) return;
  throw new InputError(
    `${ARTEFACT.measurement} in the work directory ${work.name} is damaged, and this job has not measured it itself: ` +
      'pass the file that it was made from again (--measurement; in the page, remove this conversion and begin one with ' +
      'that file), or drop the job (--no_resume) to measure anew.',
  );
}

/** Measures some layers. A whole measurement that the work directory may hold stays as it is. */
async function measureSlice(
  context: StageContext,
  pool: WorkerPool,
  settings: ConvertSettings,
  rows: JobRows,
  layers: LayerRange,
): Promise<void> {
  await stage(context, 'measure', async () => {
    const { modules } = await measure(context, pool, rows.measurement, layers);
    const origin = await sliceOrigin(context, settings, rows.measurement);
    await context.work.writeJson(ARTEFACT.slice, sliceToJson(modules, layers, origin));
  });
}

const keepMeasurement = ({ work }: StageContext, measurement: Measurement): Promise<void> =>
  work.writeJson(ARTEFACT.measurement, measurementToJson(measurement));

function chooseStrategy(context: StageContext, job: ConvertJob, measurement: Measurement): Promise<Strategy> {
  return stage(context, 'optimize', async () => {
    const { bits, pinned, quantizer } = job.settings;
    const strategy = optimize(context.plan, measurement, quantizer.method, bits, pinned);
    await checkStrategy(context.work, strategy);
    // One that is given replaces none before it is known to fit the job that is there.
    await keepMeasurement(context, measurement);
    await context.work.writeJson(ARTEFACT.strategy, strategyToJson(strategy));
    job.emit(strategy.event);
    return strategy;
  });
}

async function quantizeOnce(
  context: StageContext,
  pool: WorkerPool,
  job: ConvertJob,
  rows: WholeRows,
  strategy: Strategy,
): Promise<Pick<Findings, 'rfnErrors' | 'linearErrors' | 'expertTokens'>> {
  const { work, emit } = context;
  const result = await work.readJson<QuantizationNote>(ARTEFACT.result);
  if (result && (await hasAllTensors(context, strategy))) {
    emit({ type: 'stage', stage: 'quantize', state: 'reused' });
    const { tokens, original, quantized } = result.perplexity;
    emit({ type: 'perplexity', model: 'original', value: original, tokens });
    emit({ type: 'perplexity', model: 'quantized', value: quantized, tokens });
    return errorsOf(result);
  }
  return stage(context, 'quantize', async () => {
    const choice = { strategy, headBits: job.settings.headBits, perplexityRows: rows.measurement.rows };
    const { rfnErrors, linearErrors, expertErrors, expertTokens, perplexity } = await quantizeAgain(
      context,
      pool,
      rows.quantization,
      choice,
    );
    const note: QuantizationNote = {
      rfn_error: Object.fromEntries(rfnErrors),
      linear_error: Object.fromEntries(linearErrors),
      ...(expertTokens.size > 0 && {
        expert_error: Object.fromEntries(expertErrors),
        expert_tokens: Object.fromEntries(expertTokens),
      }),
      perplexity,
    };
    await work.writeJson(ARTEFACT.result, note);
    return errorsOf(note);
  });
}

/** Whether no module's tensors have gone since, or been damaged. */
async function hasAllTensors({ plan, work }: StageContext, strategy: Strategy): Promise<boolean> {
  for (const { key } of [...plan.modules, plan.head]) {
    if (!(await finishedTensors(work, key, strategy))) return false;
  }
  return true;
}

const errorsOf = ({ rfn_error, linear_error, expert_tokens = {} }: QuantizationNote) => ({
  rfnErrors: rfn_error,
  linearErrors: linear_error,
  expertTokens: expert_tokens,
});

/** What remains of the quantization beside the tensors. */
interface QuantizationNote {
  readonly rfn_error: Readonly<Record<string, number>>;
  readonly linear_error: Readonly<Record<string, number>>;
  /** For the page. */
  readonly expert_error?: Readonly<Record<string, readonly number[]>>;
  readonly expert_tokens?: Readonly<Record<string, readonly number[]>>;
  readonly perplexity: QuantizeResult['perplexity'];
}
