/** The quantization of some columns of a linear, row by row, with all that happens on the way. */

import type { BitWidth, Group } from '../exl2/params.ts';
import { refinedScales } from '../reference/gptq/refined-scales.ts';
import { clamp, roundToEven } from '../reference/gptq/scale-search.ts';
import { codeValue, workingScale } from '../reference/pack/values.ts';
import type { SweepData, SweepSettings } from './data/sweep-data.ts';
import { outputPower, type SweepFactor, sweepFactor } from './hessian.ts';

/** Groups of `rows` rows, all at `bits`. */
export function evenGroups(k: number, bits: BitWidth, rows: number): Group[] {
  return Array.from({ length: Math.ceil(k / rows) }, (_, i) => ({
    bits,
    start: i * rows,
    end: Math.min((i + 1) * rows, k),
  }));
}

/** Rows (k, n) of `weight` in another order. */
export function inOrder(weight: ArrayLike<number>, order: Uint32Array, n: number): Float64Array {
  return Float64Array.from(
    { length: order.length * n },
    (_, i) => weight[order[Math.floor(i / n)]! * n + (i % n)]!,
  );
}

/** Columns that are quantized, in the order of the sweep. */
interface Quantized
  extends Pick<SweepData, 'groups' | 'codes' | 'values' | 'scales' | 'scaleCodes' | 'units'> {
  /** Before the sweep. */
  readonly original: Float64Array;
}

/**
 * Quantizes columns `weight` (k, n), in the order of the input features, on the text whose Hessian `h` (k, k) is.
 * Without compensation it is plain rounding with scales found in the same way.
 */
export function sweep(weight: Float32Array, h: Float64Array, k: number, settings: SweepSettings): SweepData {
  const factor = sweepFactor(h, k, settings.actOrder);
  const { original, ...quantized } = quantizeColumns(weight, k, settings, factor);
  return {
    ...{ k, n: weight.length / k, settings, ...quantized },
    order: factor.order,
    weight: Float32Array.from(original),
    spread: spreadOf(factor.u, k, settings.compensate),
    losses: lossesOf(original, quantized.values, factor, settings.compensate),
  };
}

/** The sweep itself, without its history. */
export function quantizeColumns(
  weight: Float32Array,
  k: number,
  { bits, groupSize, compensate: compensates }: SweepSettings,
  { order, u }: Pick<SweepFactor, 'order' | 'u'>,
): Quantized {
  const n = weight.length / k;
  const groups = evenGroups(k, bits, groupSize);
  const original = inOrder(weight, order, n);
  const w = original.slice();
  const made = {
    codes: new Uint8Array(k * n),
    values: new Float32Array(k * n),
    scales: new Float32Array(groups.length * n),
    scaleCodes: new Uint8Array(groups.length * n),
    units: new Uint16Array(groups.length),
  };
  groups.forEach((group, index) => {
    const rows = w.subarray(group.start * n, group.end * n);
    const chosen = refinedScales(rows, n, bits, rowWeights(u, k, group, compensates));
    made.scaleCodes.set(chosen.codes, index * n);
    made.units[index] = chosen.scaleMax;
    const scales = Float32Array.from(chosen.codes, (code) => workingScale(code, chosen.scaleMax));
    made.scales.set(scales, index * n);
    for (let row = group.start; row < group.end; row++) {
      roundRow(w, made, row, n, bits, index);
      if (compensates) compensate(w, made.values, u, row, k, n);
    }
  });
  return { original, groups, ...made };
}

/** What an error of each row of a group costs. */
const rowWeights = (u: Float64Array, k: number, { start, end }: Group, compensate: boolean): number[] =>
  Array.from({ length: end - start }, (_, i) => (compensate ? 1 / u[(start + i) * (k + 1)]! ** 2 : 1));

type Made = Pick<SweepData, 'codes' | 'values' | 'scales'>;

function roundRow(w: Float64Array, made: Made, row: number, n: number, bits: BitWidth, group: number): void {
  const zero = 2 ** (bits - 1);
  for (let column = 0; column < n; column++) {
    const scale = made.scales[group * n + column]!;
    const value = w[row * n + column]!;
    const code = scale > 0 ? clamp(roundToEven(value / scale) + zero, 0, 2 * zero - 1) : zero;
    made.codes[row * n + column] = code;
    made.values[row * n + column] = codeValue(code, bits, scale);
  }
}

/** Later rows take in what the rounding of `row` has left. */
function compensate(
  w: Float64Array,
  values: Float32Array,
  u: Float64Array,
  row: number,
  k: number,
  n: number,
): void {
  for (let column = 0; column < n; column++) {
    const error = (w[row * n + column]! - values[row * n + column]!) / u[row * (k + 1)]!;
    for (let later = row + 1; later < k; later++) w[later * n + column]! -= u[row * k + later]! * error;
  }
}

/** U with each row divided by its diagonal: what one unit of a row's error subtracts from the later rows. */
function spreadOf(u: Float64Array, k: number, compensate: boolean): Float32Array {
  return Float32Array.from(u, (value, at) => {
    const [row, later] = [Math.floor(at / k), at % k];
    return compensate && later > row ? value / u[row * (k + 1)]! : 0;
  });
}

/**
 * The relative error of the output on the text after 0 … k rows: rows that are not yet rounded count as they stand.
 * With the damped H the sweep adds Σ (error / U[r, r])² for each row, so that only the damping has to be taken off.
 */
function lossesOf(
  original: Float64Array,
  values: Float32Array,
  { hessian, damping, u }: SweepFactor,
  compensates: boolean,
): Float32Array {
  const k = damping.length;
  const n = original.length / k;
  const w = original.slice();
  const whole = outputPower(original, hessian, k);
  const losses = new Float32Array(k + 1);
  let damped = 0;
  for (let row = 0; row < k; row++) {
    damped += compensates
      ? rowPower(w, values, row, n) / u[row * (k + 1)]! ** 2
      : addedPower(original, values, hessian, row, k, n);
    if (compensates) compensate(w, values, u, row, k, n);
    w.set(values.subarray(row * n, (row + 1) * n), row * n);
    let taken = 0;
    for (let i = 0; compensates && i < k; i++) taken += damping[i]! * rowPower(w, original, i, n);
    losses[row + 1] = Math.sqrt(Math.max(0, damped - taken) / whole);
  }
  return losses;
}

/** Σ over the columns of (a − b)² in a row. */
function rowPower(a: ArrayLike<number>, b: ArrayLike<number>, row: number, n: number): number {
  let sum = 0;
  for (let at = row * n; at < (row + 1) * n; at++) sum += (a[at]! - b[at]!) ** 2;
  return sum;
}

/** What rounding `row` adds to Σ dᵀHd when the rows before it are rounded and the others as they were. */
function addedPower(
  original: Float64Array,
  values: Float32Array,
  h: Float64Array,
  row: number,
  k: number,
  n: number,
): number {
  let sum = 0;
  for (let column = 0; column < n; column++) {
    const own = values[row * n + column]! - original[row * n + column]!;
    let others = 0;
    for (let i = 0; i < row; i++)
      others += h[row * k + i]! * (values[i * n + column]! - original[i * n + column]!);
    sum += own * (2 * others + h[row * (k + 1)]! * own);
  }
  return sum;
}
