/** What the tensors of EXL2 hold beside the codes, to and fro: scales in 4 bits, where groups begin, the order of rows. */

import { UnsupportedError } from '../util/errors.ts';
import { groupWords } from './groups.ts';
import type { Group } from './params.ts';

/** EXL2-QUIRK 1: columns that only pad have the largest scale, because upstream stores their code 0 minus one. */
const PAD_SCALE = 15;
/** q_groups is int16, so no group may start behind this packed row. */
const MAX_PACKED_ROW = 32767;
/** Scales to a word, 4 bits each, low ones first. */
const WORD_SCALES = 8;

/** q_scale (groups, n / 8) of scale codes (groups, n), 1…16; columns from `columns` on only pad. */
export function packScales(scaleCodes: ArrayLike<number>, n: number, columns: number): Uint32Array {
  const words = new Uint32Array(scaleCodes.length / WORD_SCALES);
  for (let i = 0; i < scaleCodes.length; i++) {
    const stored = i % n < columns ? scaleCodes[i]! - 1 : PAD_SCALE;
    words[Math.floor(i / WORD_SCALES)]! |= stored << ((i % WORD_SCALES) * 4);
  }
  return words;
}

/** The scale codes (groups, n), 1…16, of q_scale. */
export function unpackScales(words: Uint32Array): Uint32Array<ArrayBuffer> {
  const scaleCodes = new Uint32Array(words.length * WORD_SCALES);
  for (let i = 0; i < scaleCodes.length; i++) {
    scaleCodes[i] = ((words[Math.floor(i / WORD_SCALES)]! >>> ((i % WORD_SCALES) * 4)) & 15) + 1;
  }
  return scaleCodes;
}

/** First packed row of each group. */
export function firstWords(groups: readonly Group[]): number[] {
  let next = 0;
  return groups.map((group) => {
    const first = next;
    next += groupWords(group);
    return first;
  });
}

/** q_groups. Throws UnsupportedError when it cannot hold the number of a group's first packed row. */
export function packGroups(groups: readonly Group[]): Int16Array {
  const first = firstWords(groups);
  const behind = first.findIndex((word) => word > MAX_PACKED_ROW);
  if (behind >= 0) {
    throw new UnsupportedError(
      `A linear with ${groups.at(-1)!.end} input features at ${groups[behind]!.bits} bits cannot be stored as EXL2: ` +
        `group ${behind} would start in packed row ${first[behind]}, and the format ends at ${MAX_PACKED_ROW}. ` +
        'Take fewer bits.',
    );
  }
  return Int16Array.from(groups.flatMap(({ bits }, i) => [bits, first[i]!]));
}

/** The permutation that undoes this one, such as q_invperm of an act-order. */
export function invertPermutation(permutation: ArrayLike<number>): Uint32Array<ArrayBuffer> {
  const inverse = new Uint32Array(permutation.length);
  for (let i = 0; i < permutation.length; i++) inverse[permutation[i]!] = i;
  return inverse;
}
