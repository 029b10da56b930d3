import { headParams } from '../exl2/candidates.ts';
import { workDirectory } from '../io/work-directory.ts';
import { productSpeed } from '../kernels/measure-speeds.ts';
import { chooseVariants, usedPrecision } from '../kernels/speed.ts';
import { formatByteSize } from '../util/byte-size.ts';
import { ARTEFACT } from './artefacts.ts';
import { type JobRows, makeRows, writeRows } from './calibrate.ts';
import { checkBuffers } from './check-buffers.ts';
import { checkWeights } from './check-weights.ts';
import type { StageContext } from './context.ts';
import type { ConvertJob } from './convert-job.ts';
import { type Reference, runReference } from './evaluate-output.ts';
import type { Emit } from './events.ts';
import { type Findings, finish } from './finish.ts';
import { gpuNeed } from './gpu-need.ts';
import { checkStrategy, jobInputs, modelFingerprint, openJob, rowsFingerprint } from './job.ts';
import { checkLayers, type LayerRange } from './layer-range.ts';
import { measure, measuringTasks } from './measure.ts';
import { type Measurement, measurementFromJson, measurementToJson } from './measurement-json.ts';
import { sliceOrigin, sliceToJson } from './measurement-slice.ts';
import { modelFacts } from './model-facts.ts';
import { openModel } from './open-model.ts';
import { optimize, type Strategy } from './optimize.ts';
import { checkOutput } from './output-directory.ts';
import { checkTarget, fileBytesIn } from './plan.ts';
import { Crew, type Helper, Member } from './pool/crew.ts';
import { openHelpers } from './pool/open-helpers.ts';
import { startingIndexes } from './pool/schedule.ts';
import type { QuantizeResult } from './quantize.ts';
import { quantizeAgain } from './quantize-again.ts';
import { Recorder } from './report/recorder.ts';
import type { ConvertSettings } from './settings.ts';
import { stage } from './stage.ts';
import { strategyToJson } from './strategy-json.ts';
import { Watch } from './watch.ts';

/**
 * Converts a model, from its folder to an EXL2 folder. Every stage leaves an artefact in the work directory and is
 * skipped when that is there, so a job that was stopped anywhere goes on when it is run again.
 *
 * @throws InputError, UnsupportedError, NumericalError, OutOfMemoryError, DeviceLostError, or the signal's reason.
 */
export async function convert(given: ConvertJob): Promise<void> {
  const recorder = new Recorder();
  const job = observed(given, recorder);
  const { measurement: earlier, measureOnly, measureLayers, bits, quantizer } = job.settings;
  if (!measureOnly) await checkOutput(job.output, workDirectory(job.work));
  const context = await openContext(job);
  checkLayers(context.plan, measureLayers);
  checkBuffers(context.plan, context.gpu.memory.largestBuffer);
  // A measurement that is given may have other candidates.
  if (!measureOnly && earlier === undefined) checkTarget(context.plan, bits, quantizer.method);
  reportStart(context, job);
  const { rows, reference, helpers } = await calibrate(context, job);
  const leader = new Member(1, job.adapter.name, productSpeed(context.speeds));
  const crew = new Crew(leader, helpers, () => context.gpu.memory.used, job.emit);
  try {
    if (measureLayers) return await measureSlice(context, crew, job.settings, rows, measureLayers);
    const measurement = await measureOnce(context, crew, job, rows);
    if (measureOnly) return await keepMeasurement(context, measurement);
    const strategy = await chooseStrategy(context, job, measurement);
    const errors = await quantizeOnce(context, crew, job, rows, strategy);
    await finish(context, job, { rows, strategy, ...errors, reference, recorder });
  } finally {
    crew.end();
  }
}

/** The job with its events kept for the report, and looked at for what must be warned of. */
function observed(job: ConvertJob, recorder: Recorder): ConvertJob {
  const watch = new Watch();
  const emit: Emit = (event) => {
    job.emit(event);
    recorder.see(event);
    for (const message of watch.see(event)) emit({ type: 'warning', message });
  };
  return { ...job, emit };
}

async function openContext(job: ConvertJob): Promise<StageContext> {
  const { source, plan, warnings } = await openModel(job.model, job.settings);
  const speeds = await chooseVariants(job.gpu, job.settings.precision, job.speeds);
  for (const message of warnings) job.emit({ type: 'warning', message });
  const { gpu, emit, control, settings } = job;
  const { quantizer } = settings;
  return { gpu, emit, control, source, plan, work: workDirectory(job.work), quantizer, speeds };
}

function reportStart({ source, plan, gpu }: StageContext, { adapter, settings, emit }: ConvertJob): void {
  emit({
    type: 'start',
    model: modelFacts(source, plan),
    gpu: { ...adapter, budgetBytes: gpu.memory.budget, precision: usedPrecision(gpu) },
    bitsPerWeight: settings.bits,
    headBits: settings.headBits,
  });
}

/**
 * Makes the token rows, claims the work directory for a job with these inputs, looks at all weights and tries the
 * original model, while the helpers open.
 */
function calibrate(
  context: StageContext,
  job: ConvertJob,
): Promise<{ rows: JobRows; reference: Reference | undefined; helpers: readonly Helper[] }> {
  return stage(context, 'calibrate', async () => {
    const rows = await makeRows(job);
    warnOfMemory(context, job, rows);
    const digests = {
      model: await modelFingerprint(context.source),
      measurement_rows: await rowsFingerprint(rows.measurement),
      quantization_rows: await rowsFingerprint(rows.quantization),
    };
    await openJob(context.work, jobInputs(job.settings, digests));
    await writeRows(context.work, rows);
    const opening = openHelpers(job, rows, context.speeds, await helperStarts(context, job, rows));
    opening.catch(() => {}); // thrown below
    await checkWeights(context, digests.model);
    const reference = job.settings.measureOnly ? undefined : await runReference(context, job);
    return { rows, reference, helpers: await opening };
  });
}

/** Better now than after hours of work; but the estimate may be too high. */
function warnOfMemory(
  { gpu, plan, source, quantizer, emit }: StageContext,
  { settings: { headBits } }: ConvertJob,
  rows: JobRows,
): void {
  const { bytes } = gpuNeed(plan, headParams(headBits), rows, quantizer, fileBytesIn(source));
  const { budget } = gpu.memory;
  if (bytes <= budget) return;
  const message = `About ${formatByteSize(bytes)} of GPU memory are needed and ${formatByteSize(budget)} allowed: it may not suffice. Allow more if the GPU has it (--gpu-memory-budget), or calibrate with shorter rows.`;
  emit({ type: 'warning', message });
}

/** Numbers of the modules that the helpers will likely measure first. */
async function helperStarts(
  context: StageContext,
  { settings, helpers = [] }: ConvertJob,
  rows: JobRows,
): Promise<(number | undefined)[]> {
  if (helpers.length === 0) return [];
  const { measureLayers } = settings;
  const isMeasured = !measureLayers && (await earlierMeasurement(context, settings)) !== undefined;
  if (isMeasured) return [];
  const tasks = await measuringTasks(context, rows.measurement, measureLayers);
  const [_leader, ...others] = startingIndexes(1 + helpers.length, tasks);
  return others;
}

const earlierMeasurement = async ({ work }: StageContext, settings: ConvertSettings): Promise<unknown> =>
  settings.measurement ?? (await work.readJson(ARTEFACT.measurement));

async function measureOnce(
  context: StageContext,
  crew: Crew,
  job: ConvertJob,
  rows: JobRows,
): Promise<Measurement> {
  const { plan, emit } = context;
  const given = await earlierMeasurement(context, job.settings);
  if (given !== undefined) {
    const measurement = measurementFromJson(given, plan);
    emit({ type: 'stage', stage: 'measure', state: 'reused' });
    return measurement;
  }
  return stage(context, 'measure', async () => {
    const measurement = await measure(context, crew, rows.measurement);
    await keepMeasurement(context, measurement);
    return measurement;
  });
}

/** Measures some layers. A whole measurement that the work directory may hold stays as it is. */
async function measureSlice(
  context: StageContext,
  crew: Crew,
  settings: ConvertSettings,
  rows: JobRows,
  layers: LayerRange,
): Promise<void> {
  await stage(context, 'measure', async () => {
    const { modules } = await measure(context, crew, rows.measurement, layers);
    const origin = await sliceOrigin(context, settings, rows.measurement);
    await context.work.writeJson(ARTEFACT.slice, sliceToJson(modules, layers, origin));
  });
}

const keepMeasurement = ({ work }: StageContext, measurement: Measurement): Promise<void> =>
  work.writeJson(ARTEFACT.measurement, measurementToJson(measurement));

function chooseStrategy(context: StageContext, job: ConvertJob, measurement: Measurement): Promise<Strategy> {
  return stage(context, 'optimize', async () => {
    const { bits, pinned } = job.settings;
    const strategy = optimize(context.plan, measurement, bits, pinned);
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
  crew: Crew,
  job: ConvertJob,
  rows: JobRows,
  strategy: Strategy,
): Promise<Pick<Findings, 'rfnErrors' | 'linearErrors'>> {
  const { work, emit } = context;
  const result = await work.readJson<QuantizationNote>(ARTEFACT.result);
  if (result && (await hasAllTensors(context))) {
    emit({ type: 'stage', stage: 'quantize', state: 'reused' });
    const { tokens, original, quantized } = result.perplexity;
    emit({ type: 'perplexity', model: 'original', value: original, tokens });
    emit({ type: 'perplexity', model: 'quantized', value: quantized, tokens });
    return errorsOf(result);
  }
  return stage(context, 'quantize', async () => {
    const choice = { strategy, headBits: job.settings.headBits, perplexityRows: rows.measurement.rows };
    const { rfnErrors, linearErrors, perplexity } = await quantizeAgain(
      context,
      crew,
      rows.quantization,
      choice,
    );
    const note: QuantizationNote = {
      rfn_error: Object.fromEntries(rfnErrors),
      linear_error: Object.fromEntries(linearErrors),
      perplexity,
    };
    await work.writeJson(ARTEFACT.result, note);
    return errorsOf(note);
  });
}

/** Whether no module's tensors have gone since. Throws InputError that says which damaged file to delete. */
async function hasAllTensors({ plan, work }: StageContext): Promise<boolean> {
  for (const { key } of [...plan.modules, plan.head]) {
    if (!(await work.openTensors(ARTEFACT.tensors(key)))) return false;
  }
  return true;
}

const errorsOf = ({ rfn_error, linear_error }: QuantizationNote) => ({
  rfnErrors: rfn_error,
  linearErrors: linear_error,
});

/** What remains of the quantization beside the tensors. */
interface QuantizationNote {
  readonly rfn_error: Readonly<Record<string, number>>;
  readonly linear_error: Readonly<Record<string, number>>;
  readonly perplexity: QuantizeResult['perplexity'];
}
