import type { Group } from '../../exl2/params.ts';
import { f16BitsToF32, f32ToF16Bits } from '../../util/half.ts';

export const roundToHalf = (x: number): number => f16BitsToF32(f32ToF16Bits(x));

/** A column's scale from its code 1 … 16 and the bits of the group's `q_scale_max`. */
export function workingScale(scaleCode: number, scaleMax: number): number {
  return roundToHalf(roundToHalf(scaleCode ** 2) * roundToHalf(f16BitsToF32(scaleMax) / 256));
}

export function codeValue(code: number, bits: number, scale: number): number {
  return roundToHalf((code - 2 ** (bits - 1)) * scale);
}

/** One linear quantized: codes (k, n) in act-order, scale codes 1 … 16 (groups, n), bits of the f16 units (groups). */
export interface QuantizedLinear {
  readonly codes: ArrayLike<number>;
  readonly scaleCodes: ArrayLike<number>;
  readonly scaleMax: ArrayLike<number>;
}

/** Weights (k, n) in the order of the input features; `perm[r]` is the feature of row r. */
export function dequantize(
  { codes, scaleCodes, scaleMax }: QuantizedLinear,
  n: number,
  groups: readonly Group[],
  perm: ArrayLike<number>,
): Float32Array {
  const w = new Float32Array(codes.length);
  groups.forEach(({ bits, start, end }, group) => {
    for (let row = start; row < end; row++) {
      for (let column = 0; column < n; column++) {
        const scale = workingScale(scaleCodes[group * n + column]!, scaleMax[group]!);
        w[perm[row]! * n + column] = codeValue(codes[row * n + column]!, bits, scale);
      }
    }
  });
  return w;
}
