/** The verdict on a conversion: the original and the written output on the same held-out text. */

import { ROWS_TENSOR, rowsFromTensor, rowsToTensor } from '../calibrate/rows-artefact.ts';
import { compareTokens, type ModelStates } from '../evaluate/compare-models.ts';
import { evaluateModel } from '../evaluate/evaluate.ts';
import { finalStates } from '../evaluate/final-states.ts';
import { type Metrics, summarize } from '../evaluate/metrics.ts';
import { statesOf } from '../evaluate/states-of.ts';
import type { TokenRows } from '../evaluate/token-statistics.ts';
import { withEnoughMemory } from '../gpu/enough-memory.ts';
import type { SafetensorsFile } from '../io/safetensors/reader.ts';
import { ARTEFACT } from '../job/artefacts.ts';
import type { StageContext } from '../job/context.ts';
import { checkControl } from '../job/control.ts';
import type { StageName } from '../job/stages.ts';
import { ORIGINAL_ADVICE } from '../model/gpu/finite-states.ts';
import type { HiddenStates } from '../model/gpu/states/states.ts';
import { shortageTo } from '../pass/batch-size.ts';
import { openRunnableModel, type RunnableModel } from '../runnable/runnable-model.ts';
import type { HostTensor } from '../tensor/dtype.ts';
import { InputError, NumericalError, OutOfMemoryError } from '../util/errors.ts';
import { inMainMemory } from '../util/main-memory.ts';
import type { ConvertJob } from './convert-job.ts';

const STATES_TENSOR = 'states';

/** The rows that the result is judged by; the original's states on them are an artefact. */
export interface Reference {
  readonly model: RunnableModel;
  readonly rows: TokenRows;
}

/**
 * Runs the original on the held-out rows and emits its perplexity, so that a model that is broken as it comes is known
 * before hours of work. The states are kept, for the end.
 * @returns undefined, after a warning, when the GPU's memory does not suffice.
 * @throws NumericalError when the original's states or its perplexity are not finite.
 */
export async function runReference(
  context: StageContext,
  job: ConvertJob,
  rows: TokenRows,
): Promise<Reference | undefined> {
  const model = await openRunnableModel(job.model, job.settings);
  const reference = { model, rows };
  const { gpu, work, emit } = context;
  const report = (perplexity: number) => {
    requireNumber(perplexity);
    emit({ type: 'reference', perplexity, tokens: rows.rows * (rows.length - 1) });
  };
  const earlier = await keptFile(context, reference);
  if (earlier) {
    report(Number(earlier.metadata.get('perplexity')));
    return reference;
  }
  try {
    const tell = shortageTo(emit);
    const states = await finalStates(gpu, model, rows, steps(context, 'calibrate', model.name), tell);
    try {
      const both = { model, states };
      const compared = await compareTokens(gpu, both, both, rows, undefined, tell);
      const { perplexity } = summarize(compared, rows.rows, rows.length);
      requireNumber(perplexity.reference);
      const request = { what: `what ${model.name} makes of held-out text`, movable: [states], tell };
      const kept = await withEnoughMemory(gpu, request, () => statesTensor(states));
      const tensors = [rowsToTensor(named(rows)), kept];
      const metadata = { perplexity: String(perplexity.reference) };
      await work.writeTensors(ARTEFACT.referenceStates, tensors, metadata);
      report(perplexity.reference);
    } finally {
      await states.free();
    }
    return reference;
  } catch (error) {
    return notEvaluated(context, 'The original model cannot be run on held-out text', error);
  }
}

/** A model that computes no numbers is not worth the hours of a measurement. Throws NumericalError. */
function requireNumber(perplexity: number): void {
  if (Number.isFinite(perplexity)) return;
  throw new NumericalError(
    `The original model has a perplexity of ${perplexity} on plain text: its final norm or its head gives no numbers. ` +
      ORIGINAL_ADVICE,
  );
}

/**
 * Opens the output as anyone would, and compares it with the original.
 * @returns undefined, after a warning, when that fails: the output stays.
 */
export async function evaluateOutput(
  context: StageContext,
  { output, settings }: ConvertJob,
  reference: Reference,
): Promise<Metrics | undefined> {
  const { gpu } = context;
  const file = await keptFile(context, reference);
  if (!file)
    throw new InputError(`${ARTEFACT.referenceStates} has gone from the work directory: run the job again.`);
  let states: HiddenStates | undefined;
  try {
    states = await keptStates(context, reference, file);
    const model = await openRunnableModel(output, settings);
    const original: ModelStates = { model: reference.model, states };
    const onStep = steps(context, 'evaluate', model.name);
    return await evaluateModel(gpu, original, model, reference.rows, onStep, shortageTo(context.emit));
  } catch (error) {
    return notEvaluated(context, 'The output is complete, but cannot be compared with the original', error);
  } finally {
    await states?.free();
  }
}

function notEvaluated({ emit }: StageContext, what: string, error: unknown): undefined {
  if (!(error instanceof OutOfMemoryError)) throw error;
  emit({ type: 'warning', message: `${what}: ${error.message} "npm run evaluate" does it later.` });
  return undefined;
}

const steps =
  ({ emit, control }: StageContext, stage: StageName, detail: string) =>
  async (done: number, total: number): Promise<void> => {
    await checkControl(control);
    emit({ type: 'progress', stage, done, total, unit: 'steps', detail });
  };

const named = (rows: TokenRows) => ({ ...rows, sources: new Array<string>(rows.rows).fill('held-out text') });

/** What an earlier run kept, if it is of the same rows. */
async function keptFile(
  { work, plan }: StageContext,
  { rows }: Reference,
): Promise<SafetensorsFile | undefined> {
  const file = await work.openTensors(ARTEFACT.referenceStates);
  if (!file) return undefined;
  const kept = rowsFromTensor(await file.read(ROWS_TENSOR), file.name, plan.config.vocabSize);
  const same = kept.rows === rows.rows && kept.length === rows.length;
  return same && kept.ids.every((id, i) => id === rows.ids[i]) ? file : undefined;
}

async function keptStates(
  { gpu, plan, emit }: StageContext,
  { rows }: Reference,
  file: SafetensorsFile,
): Promise<HiddenStates> {
  const values = new Float32Array((await file.read(STATES_TENSOR)).data.slice().buffer);
  const size = values.length / rows.rows;
  const readRow = (row: number) => values.slice(row * size, (row + 1) * size);
  return statesOf(gpu, rows, plan.config.hiddenSize, readRow, shortageTo(emit));
}

/** (rows, length, hidden) f32. */
async function statesTensor(states: HiddenStates): Promise<HostTensor> {
  const { rows, length, hidden } = states;
  const count = rows * length * hidden;
  const data = inMainMemory('the states of held-out text', 4 * count, () => new Float32Array(count));
  for (let row = 0; row < rows; row++) data.set(await states.readRow(row), row * length * hidden);
  return {
    name: STATES_TENSOR,
    dtype: 'F32',
    shape: [rows, length, hidden],
    data: new Uint8Array(data.buffer),
  };
}
