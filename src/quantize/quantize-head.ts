import type { CalibrationRows } from '../calibrate/rows.ts';
import { headNeed } from '../estimate/head-need.ts';
import { fileBytesIn } from '../estimate/memory-need.ts';
import type { QuantParams } from '../exl2/params.ts';
import type { StageContext } from '../job/context.ts';
import { withFittingBatch } from '../pass/batch-size.ts';
import { perplexity } from '../pass/perplexity.ts';
import { leaveRoom } from '../pass/state-room.ts';
import type { HostTensor } from '../tensor/dtype.ts';
import { linearEvent } from './quantize-linear.ts';
import type { RowsPass } from './rows-pass.ts';

/** Over the first calibration rows. */
export interface Perplexities {
  readonly original: number;
  readonly quantized: number;
  readonly tokens: number;
}

export interface QuantizedHead {
  readonly tensors: readonly HostTensor[];
  readonly perplexity: Perplexities;
}

/**
 * Quantizes the head on the quantized model's final states; perplexity of both models on the original's rows.
 * @param mostRows that are run together.
 */
export async function quantizeHead(
  context: StageContext,
  params: QuantParams,
  pass: RowsPass,
  rows: CalibrationRows,
  mostRows: number,
): Promise<QuantizedHead> {
  return withFittingBatch(context, mostRows, 'the head', pass.own.states, async (batch) => {
    await leaveHeadRoom(context, params, pass, rows);
    return quantizeFitting(context, params, pass, rows, batch);
  });
}

/** Moves states out of the head's way, which takes memory by the size of the vocabulary, as no module does. */
async function leaveHeadRoom(
  { gpu, source, plan, quantizer }: StageContext,
  params: QuantParams,
  { own }: RowsPass,
  { length }: CalibrationRows,
): Promise<void> {
  const fileBytes = fileBytesIn(source)(plan.head);
  const need = headNeed(plan, length, params, quantizer, fileBytes, gpu.memory.budget);
  await leaveRoom(gpu, need, own.states);
}

async function quantizeFitting(
  context: StageContext,
  params: QuantParams,
  pass: RowsPass,
  rows: CalibrationRows,
  batch: number,
): Promise<QuantizedHead> {
  const { plan, emit } = context;
  const { own } = pass;
  const index = plan.modules.length;
  try {
    const { sums, mixed } = await pass.sum(index, [plan.head.input], batch);
    sums.freeTotals();
    await own.factorSums(index, new Set([plan.head.input]), rows.rows);
    const { tensors, slices } = await own.linears.quantizeHead(params);
    emit(linearEvent(undefined, plan.head, params, undefined));
    const model = { mixed, norm: await own.head.norm(), head: slices };
    const after = await perplexity(context, model, own.quantized, rows.ids, own.expected.rows);
    const { value, tokens } = await pass.originalPerplexity();
    emit({ type: 'perplexity', model: 'original', value, tokens });
    emit({ type: 'perplexity', model: 'quantized', ...after });
    return { tensors, perplexity: { original: value, quantized: after.value, tokens } };
  } finally {
    own.release();
  }
}
