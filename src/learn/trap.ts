/** What few calibration tokens do: the error on the text that was seen against that on text that was not. */

import type { BitWidth } from '../exl2/params.ts';
import type { TrapCurve, TrapPoint } from './data/trap-data.ts';
import { addTokens, meanHessian, outputPower, sweepFactor } from './hessian.ts';
import { inOrder, quantizeColumns } from './sweep.ts';

export interface TrapInput {
  /** Columns (k, n) in the order of the input features. */
  readonly weight: Float32Array;
  readonly k: number;
  /** Inputs of the calibration text, (tokens, k). */
  readonly seen: Float32Array;
  /** Inputs of other text, (tokens, k). */
  readonly unseen: Float32Array;
  readonly counts: readonly number[];
  readonly bits: BitWidth;
  readonly groupSize: number;
}

/** One point for each of `counts` (rising), as soon as it is computed. */
export function* trapCurve(input: TrapInput): Generator<TrapPoint, void> {
  const { weight, k, seen, counts, bits, groupSize } = input;
  const other = meanHessian(input.unseen, k);
  const sum = new Float64Array(k * k);
  let last = 0;
  for (const tokens of counts) {
    addTokens(sum, seen.subarray(last * k, tokens * k), k);
    last = tokens;
    const h = sum.map((value) => value / tokens);
    const settings = { bits, groupSize, compensate: true, actOrder: true };
    const factor = sweepFactor(h, k, settings.actOrder);
    const { values } = quantizeColumns(weight, k, settings, factor);
    const error = differences(weight, values, factor.order);
    yield {
      tokens,
      seen: relativeError(error, weight, h, k),
      unseen: relativeError(error, weight, other, k),
    };
  }
}

/** The error of plain rounding on the unseen text: no calibration text is needed for it. */
export function roundingError({ weight, k, unseen, bits, groupSize }: TrapInput): TrapCurve['rounding'] {
  const h = meanHessian(unseen, k);
  const settings = { bits, groupSize, compensate: false, actOrder: false };
  const factor = sweepFactor(h, k, settings.actOrder);
  const { values } = quantizeColumns(weight, k, settings, factor);
  return relativeError(differences(weight, values, factor.order), weight, h, k);
}

/** Original less quantized columns, (k, n) in the order of the input features. */
function differences(weight: Float32Array, values: Float32Array, order: Uint32Array): Float64Array {
  const n = weight.length / order.length;
  const place = new Uint32Array(order.length);
  for (const [row, feature] of order.entries()) place[feature] = row;
  return inOrder(values, place, n).map((value, i) => weight[i]! - value);
}

const relativeError = (d: Float64Array, weight: Float32Array, h: Float64Array, k: number): number =>
  Math.sqrt(outputPower(d, h, k) / outputPower(weight, h, k));
