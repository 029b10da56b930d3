import type { Group } from '../../exl2/params.ts';
import { codeValue, type QuantizedLinear, workingScale } from '../pack/values.ts';
import { clamp, type Numbers, roundToEven } from './scale-search.ts';

/**
 * Coordinate descent on tr(DᵀHD), D = W − Q, over the codes of a quantized weight (k, n) in act-order, row by row from
 * the first, `passes` times. `h` (k, k): permuted and damped. Gives the new codes (k, n).
 */
export function descend(
  weight: Numbers,
  quantized: QuantizedLinear,
  h: Numbers,
  n: number,
  groups: readonly Group[],
  passes: number,
): Uint8Array {
  const k = weight.length / n;
  const codes = Uint8Array.from(quantized.codes);
  const scale = (group: number, column: number) =>
    workingScale(quantized.scaleCodes[group * n + column]!, quantized.scaleMax[group]!);
  const d = new Float64Array(k * n);
  groups.forEach(({ bits, start, end }, group) => {
    for (let at = start * n; at < end * n; at++)
      d[at] = weight[at]! - codeValue(codes[at]!, bits, scale(group, at % n));
  });
  for (let pass = 0; pass < passes; pass++) {
    groups.forEach(({ bits, start, end }, group) => {
      for (let at = start * n; at < end * n; at++) {
        const [row, column] = [Math.floor(at / n), at % n];
        const s = scale(group, column);
        if (!(s > 0)) continue;
        let gradient = 0;
        for (let i = 0; i < k; i++) gradient += h[row * k + i]! * d[i * n + column]!;
        const zero = 2 ** (bits - 1);
        const target = codes[at]! - zero + gradient / (h[row * (k + 1)]! * s);
        const code = clamp(roundToEven(target) + zero, 0, 2 * zero - 1);
        d[at]! += codeValue(codes[at]!, bits, s) - codeValue(code, bits, s);
        codes[at] = code;
      }
    });
  }
  return codes;
}
