/** Codes and scales ↔ the tensors of EXL2, by the CPU reference of the kernels. */

import { type PackedLinear, packedGroups, padColumns } from '../../src/exl2/packed-linear.ts';
import { invertPermutation, packGroups, packScales, unpackScales } from '../../src/exl2/packing.ts';
import type { Group } from '../../src/exl2/params.ts';
import { packCodes, unpackCodes } from '../../src/reference/pack/bit-stream.ts';
import { dequantize } from '../../src/reference/pack/values.ts';

/** A quantized linear before packing. Rows are in act-order: row p is input feature perm[p]. */
export interface QuantizedLinear {
  readonly k: number;
  readonly n: number;
  readonly groups: readonly Group[];
  /** (k): row position → input feature. */
  readonly perm: Uint32Array;
  /** (k, n), each below 2^bits of its group. */
  readonly codes: Uint8Array;
  /** (groups, n), 1…16. */
  readonly scaleCodes: Uint32Array;
  /** (groups): bits of halves. */
  readonly scaleMax: Uint16Array;
}

/** Packs, and pads the columns to a multiple of 32. Throws UnsupportedError when q_groups cannot hold a row number. */
export function packLinear({ k, n: columns, groups, perm, ...linear }: QuantizedLinear): PackedLinear {
  const n = padColumns(columns);
  const codes = new Uint8Array(k * n);
  for (const { bits, start, end } of groups) codes.fill(2 ** (bits - 1), start * n, end * n);
  copyRows(linear.codes, columns, codes, n);
  const scaleCodes = new Uint32Array(groups.length * n);
  copyRows(linear.scaleCodes, columns, scaleCodes, n);
  return {
    k,
    n,
    qWeight: new Uint32Array(packCodes(codes, n, groups)),
    qScale: packScales(scaleCodes, n, columns),
    qScaleMax: linear.scaleMax,
    qGroups: packGroups(groups),
    qInvPerm: Int32Array.from(invertPermutation(perm)),
  };
}

function copyRows<A extends Uint8Array | Uint32Array>(from: A, width: number, to: A, wider: number): void {
  for (let row = 0; row * width < from.length; row++) {
    to.set(from.subarray(row * width, (row + 1) * width), row * wider);
  }
}

/** The inverse of packLinear; n stays padded. Throws InputError when q_groups is wrong; `key` names the linear. */
export function unpackLinear(key: string, packed: PackedLinear): QuantizedLinear {
  const { k, n, qWeight, qScale, qScaleMax, qInvPerm } = packed;
  const groups = packedGroups(key, packed);
  const codes = unpackCodes(qWeight, n, groups);
  const perm = invertPermutation(qInvPerm);
  return { k, n, groups, perm, codes, scaleCodes: unpackScales(qScale), scaleMax: qScaleMax };
}

/** The weight (k, n) that the packed tensors stand for, in the order of input features; n stays padded. */
export function dequantizeLinear(key: string, packed: PackedLinear): Float32Array {
  const linear = unpackLinear(key, packed);
  return dequantize(linear, linear.n, linear.groups, linear.perm);
}
