import type { Group } from '../../exl2/params.ts';
import { codeValue, type QuantizedLinear, workingScale } from '../pack/values.ts';
import {
  baseScales,
  clamp,
  type Numbers,
  roundToEven,
  scaleCodes,
  scaleErrors,
  storedUnit,
} from './scale-search.ts';

/**
 * Quantizes a weight (k, n), its rows in act-order, group by group; what a row's rounding does to the output is
 * made up for by all rows after it. `u` (k, k): upper, H⁻¹ = UᵀU.
 */
export function quantizeLinear(
  weight: Numbers,
  u: Numbers,
  n: number,
  groups: readonly Group[],
  chooseScales: ScaleChoice = exllamav2Scales,
): QuantizedLinear {
  const k = weight.length / n;
  const w = Float64Array.from(weight);
  const result = {
    codes: new Uint8Array(k * n),
    scaleCodes: new Uint8Array(groups.length * n),
    scaleMax: new Uint16Array(groups.length),
  };
  groups.forEach(({ bits, start, end }, group) => {
    const rows = w.slice(start * n, end * n);
    const weights = Array.from({ length: end - start }, (_, i) => 1 / u[(start + i) * (k + 1)]! ** 2);
    const { codes, scaleMax } = chooseScales(rows, n, bits, weights);
    result.scaleCodes.set(codes, group * n);
    result.scaleMax[group] = scaleMax;
    const scales = Float64Array.from(codes, (code) => workingScale(code, scaleMax));
    for (let row = start; row < end; row++)
      result.codes.set(quantizeRow(w, u, { row, k, n, bits, scales }), row * n);
  });
  return result;
}

/** Scales of a group's rows (rows, n); `weights` (rows): what an error costs, 1 / U[r, r]². */
export type ScaleChoice = (
  rows: Numbers,
  n: number,
  bits: number,
  weights: Numbers,
) => { readonly codes: Uint8Array; readonly scaleMax: number };

const exllamav2Scales: ScaleChoice = (rows, n, bits) => {
  const base = baseScales(rows, n, bits);
  const unit = Math.max(...base);
  const codes = scaleCodes(base, unit);
  return { codes, scaleMax: storedUnit(scaleErrors(rows, codes, unit, bits), unit) };
};

interface Row {
  readonly row: number;
  readonly k: number;
  readonly n: number;
  readonly bits: number;
  readonly scales: Numbers;
}

/** The codes (n) of one row; feeds its error into the rows after it. */
function quantizeRow(w: Float64Array, u: Numbers, { row, k, n, bits, scales }: Row): Uint8Array {
  const zero = 2 ** (bits - 1);
  return Uint8Array.from({ length: n }, (_, column) => {
    const value = w[row * n + column]!;
    const scale = scales[column]!;
    const code = scale > 0 ? clamp(roundToEven(value / scale) + zero, 0, 2 * zero - 1) : zero;
    const error = (value - codeValue(code, bits, scale)) / u[row * k + row]!;
    for (let later = row + 1; later < k; later++) w[later * n + column]! -= u[row * k + later]! * error;
    return code;
  });
}
