/** GPU memory that the head takes, from the sums of its inputs to the perplexity of what became of it. */

import { logitRows } from '../evaluate/compare-row.ts';
import { headParams } from '../exl2/candidates.ts';
import { padColumns } from '../exl2/packed-linear.ts';
import type { QuantParams } from '../exl2/params.ts';
import { slicedBytes } from '../gptq/quantize-slices.ts';
import { triangleBytes } from '../gpu/matrix/panels.ts';
import type { QuantizerSettings } from '../job/settings.ts';
import { COMPARED } from '../kernels/logits/compare_logits.ts';
import { headSlices } from '../model/gpu/weights.ts';
import type { LinearSpec, ModelPlan } from '../model/spec.ts';
import { buffer, factoring, finishing, matricesOf, packing, total, totals } from './linear-need.ts';

/** Of all settings of a head those with the smallest groups. */
const FINEST = headParams(2);

/** Columns of each slice of the head, as weights.ts cuts it. */
const slicesOf = (head: LinearSpec): number[] =>
  headSlices(head).map(({ start, end }) => padColumns(end - start));

/** perplexity.ts: a row's states, and what is made of them. */
function judging(widest: number, t: number, hiddenSize: number): number {
  const tokens = Math.min(t, logitRows(widest));
  return 2 * buffer(t, hiddenSize) + buffer(tokens, widest) + buffer(tokens, COMPARED) + buffer(tokens);
}

/** With all of it on the GPU, whatever its settings, and rows of `t` tokens. */
export function wholeHeadNeed({ head, config }: ModelPlan, t: number, quantizer: QuantizerSettings): number {
  const { k } = head;
  const slices = slicesOf(head);
  const hessian = triangleBytes(k);
  const phases = [
    hessian + totals([k]) + judging(Math.max(...slices), t, config.hiddenSize),
    factoring([k], 1),
    matricesOf(quantizer) * hessian + packing(k, slices, FINEST),
  ];
  return total(slices, (n) => buffer(k, n)) + Math.max(...phases);
}

/** Whether all of it is on the GPU while it is quantized, or one slice after the other, with so much memory in all. */
export const isHeadWhole = (
  plan: ModelPlan,
  t: number,
  quantizer: QuantizerSettings,
  budget: number,
): boolean => wholeHeadNeed(plan, t, quantizer) <= budget;

/**
 * With one slice at a time: quantize-held.ts.
 * @param fileBytes of it in the source. @param slices columns of each.
 */
export function slicedHeadNeed(
  { head, config }: ModelPlan,
  t: number,
  params: QuantParams,
  quantizer: QuantizerSettings,
  fileBytes: number,
  slices: readonly number[] = slicesOf(head),
): number {
  const { k } = head;
  const widest = Math.max(...slices);
  const weight = buffer(k, widest);
  const loading = buffer((fileBytes / 4 / head.n) * widest);
  const hessian = triangleBytes(k);
  const { shared, slice, codes } = slicedBytes(k, slices, params);
  const phases = [
    hessian + totals([k]) + weight + Math.max(loading, judging(widest, t, config.hiddenSize)),
    factoring([k], 1),
    matricesOf(quantizer) * hessian +
      shared +
      weight +
      Math.max(loading, slice, codes + finishing(k, widest, params)),
  ];
  return Math.max(...phases);
}

/** Without the states, as it is done with so much memory in all. @param fileBytes of the head in the source. */
export const headNeed = (
  plan: ModelPlan,
  t: number,
  params: QuantParams,
  quantizer: QuantizerSettings,
  fileBytes: number,
  budget: number,
): number =>
  isHeadWhole(plan, t, quantizer, budget)
    ? wholeHeadNeed(plan, t, quantizer)
    : slicedHeadNeed(plan, t, params, quantizer, fileBytes);
