/** The tensors of EXL2 → codes and weights, on the CPU: what is written is read back through this and compared. */

import { f16BitsToF32, f16ToF32Array, f32ToF16Bits } from '../util/half.ts';
import { groupWords } from './groups.ts';
import { type PackedLinear, packedGroups } from './packed-linear.ts';
import type { QuantizedLinear } from './packing.ts';
import type { Group } from './params.ts';

/** The inverse of packLinear; n stays padded. Throws InputError when q_groups is wrong; `key` names the linear. */
export function unpackLinear(key: string, packed: PackedLinear): QuantizedLinear {
  const { k, n } = packed;
  const groups = packedGroups(key, packed);
  const codes = new Uint8Array(k * n);
  eachRow(packed, groups, (row, rowCodes) => codes.set(rowCodes, row * n));
  return {
    k,
    n,
    groups,
    perm: invert(packed.qInvPerm),
    codes,
    scaleCodes: scaleCodes(packed),
    scaleMax: packed.qScaleMax,
  };
}

/** The weight (k, n) that the packed tensors stand for, in the order of input features; n stays padded. */
export function dequantizeLinear(key: string, packed: PackedLinear): Float32Array {
  const { k, n, qScaleMax } = packed;
  const groups = packedGroups(key, packed);
  const perm = invert(packed.qInvPerm);
  const scales = scaleCodes(packed);
  const weight = new Float32Array(k * n);
  const columnScales = new Float32Array(n);
  const halves = new Uint16Array(n);
  let scaledGroup = -1;
  eachRow(packed, groups, (row, rowCodes, group) => {
    if (group !== scaledGroup) {
      for (let column = 0; column < n; column++) {
        columnScales[column] = columnScale(scales[group * n + column]!, qScaleMax[group]!);
      }
      scaledGroup = group;
    }
    const zero = 2 ** (groups[group]!.bits - 1);
    for (let column = 0; column < n; column++) {
      halves[column] = f32ToF16Bits((rowCodes[column]! - zero) * columnScales[column]!);
    }
    const feature = perm[row]!;
    f16ToF32Array(halves, weight.subarray(feature * n, (feature + 1) * n));
  });
  return weight;
}

/** f16(code² · f16(scaleMax / 256)) for a scale code 1…16 and the bits of the group's scale unit. */
export const columnScale = (scaleCode: number, scaleMax: number): number =>
  roundToHalf(scaleCode * scaleCode * roundToHalf(f16BitsToF32(scaleMax) / 256));

const roundToHalf = (value: number): number => f16BitsToF32(f32ToF16Bits(value));

/** Calls back with the codes of every row; the array is used again for the next row. */
function eachRow(
  { qWeight, n }: PackedLinear,
  groups: readonly Group[],
  callback: (row: number, codes: Uint8Array, group: number) => void,
): void {
  const codes = new Uint8Array(n);
  let firstWord = 0;
  for (const [index, group] of groups.entries()) {
    const { bits, start, end } = group;
    const mask = 2 ** bits - 1;
    for (let i = 0; i < end - start; i++) {
      const shift = (i * bits) & 31;
      const word = (firstWord + ((i * bits) >>> 5)) * n;
      if (shift + bits > 32) {
        for (let column = 0; column < n; column++) {
          const high = qWeight[word + n + column]! << (32 - shift);
          codes[column] = ((qWeight[word + column]! >>> shift) | high) & mask;
        }
      } else {
        for (let column = 0; column < n; column++) codes[column] = (qWeight[word + column]! >>> shift) & mask;
      }
      callback(start + i, codes, index);
    }
    firstWord += groupWords(group);
  }
}

/** (groups, n), 1…16. */
function scaleCodes({ qScale }: PackedLinear): Uint8Array {
  const codes = new Uint8Array(qScale.length * 8);
  for (let i = 0; i < codes.length; i++) codes[i] = ((qScale[i >>> 3]! >>> ((i & 7) * 4)) & 15) + 1;
  return codes;
}

function invert(permutation: Int32Array): Int32Array {
  const inverse = new Int32Array(permutation.length);
  for (let i = 0; i < permutation.length; i++) inverse[permutation[i]!] = i;
  return inverse;
}
