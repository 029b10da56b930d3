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
    const base = baseScales(rows, n, bits);
    const unit = Math.max(...base);
    const codes = scaleCodes(base, unit);
    result.scaleCodes.set(codes, group * n);
    result.scaleMax[group] = storedUnit(scaleErrors(rows, codes, unit, bits), unit);
    const scales = Float64Array.from(codes, (code) => workingScale(code, result.scaleMax[group]!));
    for (let row = start; row < end; row++)
      result.codes.set(quantizeRow(w, u, { row, k, n, bits, scales }), row * n);
  });
  return result;
}

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
