/** Steps 1 to 4 of quantizing a group: its scales. Rows of the group: (rows, n), row-major. */

import { f32ToF16Bits } from '../../util/half.ts';

export type Numbers = ArrayLike<number>;

/** Scale that just fits each column (n): (max|w| + 1e-12) / (maxq / 2). */
export function baseScales(rows: Numbers, n: number, bits: number): Float64Array {
  const base = new Float64Array(n);
  for (let i = 0; i < rows.length; i++) base[i % n] = Math.max(base[i % n]!, Math.abs(rows[i]!));
  return base.map((highest) => (highest + 1e-12) / ((2 ** bits - 1) / 2));
}

/** The scale code 1 … 16 of each column (n). */
export function scaleCodes(base: Numbers, unit: number): Uint8Array {
  return Uint8Array.from(base, (scale) => clamp(roundToEven(16 * Math.sqrt(scale / unit)), 1, 16));
}

/** The factors that are tried on a group's unit. */
export const FACTORS: readonly number[] = Array.from(
  { length: 97 },
  (_, i) => 0.7 * (1 - i / 96) + (1.2 * i) / 96,
);

/** Σ |clamp(round(w/s), −zero, maxq − zero)·s − w|^3.5 for each factor p, s being (c/16)²·unit·p of the column. */
export function scaleErrors(rows: Numbers, codes: Numbers, unit: number, bits: number): Float64Array {
  const zero = 2 ** (bits - 1);
  return Float64Array.from(FACTORS, (p) => {
    let sum = 0;
    for (let i = 0; i < rows.length; i++) {
      const scale = (codes[i % codes.length]! / 16) ** 2 * unit * p;
      const code = clamp(roundToEven(rows[i]! / scale), -zero, zero - 1);
      sum += Math.abs(code * scale - rows[i]!) ** 3.5;
    }
    return sum;
  });
}

/** The group's stored unit, as bits of an f16: unit times the factor with the smallest error, the first of equals. */
export function storedUnit(errors: Float64Array, unit: number): number {
  return f32ToF16Bits(unit * FACTORS[errors.indexOf(Math.min(...errors))]!);
}

export const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

/** To the nearest whole number, ties to even. */
export function roundToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
}
