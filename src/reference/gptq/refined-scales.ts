/** Scales of a group by least weighted squared error. Rows of the group: (rows, n), row-major. */

import { f16BitsToF32, f32ToF16Bits } from '../../util/half.ts';
import { baseScales, clamp, type Numbers, roundToEven } from './scale-search.ts';

/** The factors that are tried on a group's unit. */
export const REFINED_FACTORS: readonly number[] = Array.from(
  { length: 12 },
  (_, i) => 0.55 * (1 - i / 11) + (1.1 * i) / 11,
);

/** Scale codes that are tried on a column. */
const CODES = 6;

export interface ColumnFit {
  /** Scale code, 1 … 16. */
  readonly code: number;
  /** Σ weight · (value − w)². */
  readonly error: number;
}

/** The best code of every column under a stored unit (bits of an f16), scales not rounded to half precision. `weights`: of the rows. */
export function fitColumns(
  rows: Numbers,
  n: number,
  bits: number,
  weights: Numbers,
  scaleMax: number,
): ColumnFit[] {
  const zero = 2 ** (bits - 1);
  const unit = f16BitsToF32(scaleMax);
  return Array.from(baseScales(rows, n, bits), (base, column) => {
    const highest = clamp(Math.ceil(16 * Math.sqrt((1.1 * base) / unit)), 1, 16);
    const fits = Array.from({ length: CODES }, (_, i): ColumnFit => {
      const code = Math.max(highest - i, 1);
      const scale = (code ** 2 * unit) / 256;
      let error = 0;
      for (let row = 0; row < weights.length; row++) {
        const w = rows[row * n + column]!;
        const value = scale > 0 ? clamp(roundToEven(w / scale), -zero, zero - 1) * scale : 0;
        error += weights[row]! * (value - w) ** 2;
      }
      return { code, error };
    });
    return fits.reduce((best, fit) => (fit.error < best.error ? fit : best));
  });
}

/** The unit (bits of an f16) under which the columns err least, and their scale codes. */
export function refinedScales(
  rows: Numbers,
  n: number,
  bits: number,
  weights: Numbers,
): { scaleMax: number; codes: Uint8Array } {
  const widest = Math.max(...baseScales(rows, n, bits));
  const tried = REFINED_FACTORS.map((factor) => {
    const scaleMax = f32ToF16Bits(widest * factor);
    const fits = fitColumns(rows, n, bits, weights, scaleMax);
    return { scaleMax, fits, error: fits.reduce((sum, { error }) => sum + error, 0) };
  });
  const { scaleMax, fits } = tried.reduce((best, one) => (one.error < best.error ? one : best));
  return { scaleMax, codes: Uint8Array.from(fits, ({ code }) => code) };
}
