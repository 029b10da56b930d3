/** Codes and scales → the tensors of EXL2, on the CPU: what the packing kernels are tested against. */

import { assert, UnsupportedError } from '../util/errors.ts';
import { groupWords, packedRowCount } from './groups.ts';
import { type PackedLinear, padColumns } from './packed-linear.ts';
import type { Group } from './params.ts';

/** A quantized linear before packing. Rows are in act-order: row p is input feature perm[p]. */
export interface QuantizedLinear {
  readonly k: number;
  readonly n: number;
  readonly groups: readonly Group[];
  /** (k): row position → input feature. */
  readonly perm: Int32Array;
  /** (k, n), each below 2^bits of its group. */
  readonly codes: Uint8Array;
  /** (groups, n), 1…16. */
  readonly scaleCodes: Uint8Array;
  /** (groups): bits of halves. */
  readonly scaleMax: Uint16Array;
}

/** q_groups is int16, so no group may start behind this packed row. */
const MAX_PACKED_ROW = 32767;

/** Packs, and pads the columns to a multiple of 32. Throws UnsupportedError when q_groups cannot hold a row number. */
export function packLinear(linear: QuantizedLinear): PackedLinear {
  const { k, groups, perm } = linear;
  const n = padColumns(linear.n);
  assert(linear.codes.length === k * linear.n, `${linear.codes.length} codes for (${k}, ${linear.n})`);
  const qWeight = new Uint32Array(packedRowCount(groups) * n);
  const qGroups = new Int16Array(groups.length * 2);
  let word = 0;
  for (const [i, group] of groups.entries()) {
    if (word > MAX_PACKED_ROW) {
      throw new UnsupportedError(
        `A linear with ${k} input features at ${group.bits} bits cannot be stored as EXL2: group ${i} would start ` +
          `in packed row ${word}, and the format ends at ${MAX_PACKED_ROW}. Take fewer bits.`,
      );
    }
    qGroups.set([group.bits, word], i * 2);
    packGroup(linear, group, qWeight.subarray(word * n, (word + groupWords(group)) * n), n);
    word += groupWords(group);
  }
  const qInvPerm = new Int32Array(k);
  for (let position = 0; position < k; position++) qInvPerm[perm[position]!] = position;
  return { k, n, qWeight, qScale: packScales(linear, n), qScaleMax: linear.scaleMax, qGroups, qInvPerm };
}

/** Bit i·bits of a column's stream is the lowest bit of the group's code i. */
function packGroup(
  { codes, n: columns }: QuantizedLinear,
  group: Group,
  words: Uint32Array,
  n: number,
): void {
  const { bits, start, end } = group;
  const zeroWeight = 2 ** (bits - 1);
  for (let i = 0; i < end - start; i++) {
    const shift = (i * bits) & 31;
    const word = ((i * bits) >>> 5) * n;
    const spills = shift + bits > 32;
    const row = (start + i) * columns;
    for (let column = 0; column < n; column++) {
      const code = column < columns ? codes[row + column]! : zeroWeight;
      words[word + column]! |= code << shift;
      if (spills) words[word + n + column]! |= code >>> (32 - shift);
    }
  }
}

/** EXL2-QUIRK 1: columns that only pad have the largest scale, because upstream stores their code 0 minus one. */
export const PAD_SCALE = 15;

function packScales({ scaleCodes, groups, n: columns }: QuantizedLinear, n: number): Uint32Array {
  const qScale = new Uint32Array((groups.length * n) / 8);
  for (let group = 0; group < groups.length; group++) {
    for (let column = 0; column < n; column++) {
      const stored = column < columns ? scaleCodes[group * columns + column]! - 1 : PAD_SCALE;
      qScale[(group * n + column) >>> 3]! |= stored << ((column & 7) * 4);
    }
  }
  return qScale;
}
