/** How the kernels hold codes, and the tables that tell them of groups. */

import type { BitWidth, Group } from '../../src/exl2/params.ts';
import { seededRandom } from '../../src/util/random.ts';

/** Groups after each other, from their widths and numbers of rows. */
export function groupsOf(parts: readonly (readonly [bits: BitWidth, rows: number])[]): Group[] {
  let end = 0;
  return parts.map(([bits, rows]) => {
    const start = end;
    end += rows;
    return { bits, start, end };
  });
}

/** Random codes (k, n) that use every value of their group's width. */
export function randomCodes(groups: readonly Group[], n: number, seed: number): Uint8Array {
  const random = seededRandom(seed);
  return Uint8Array.from(
    groups.flatMap(({ bits, start, end }) =>
      Array.from({ length: (end - start) * n }, () => Math.floor(random() * 2 ** bits)),
    ),
  );
}

/** Codes (k, n) as words (k/4, n): four rows of a column to a word, the first in the low byte. */
export function wordsOfCodes(codes: ArrayLike<number>, n: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(codes.length / 4);
  for (let i = 0; i < codes.length; i++) {
    const row = Math.floor(i / n);
    words[Math.floor(row / 4) * n + (i % n)]! |= codes[i]! << ((row % 4) * 8);
  }
  return words;
}

/** The codes (k, n) in words (k/4, n). */
export function codesOfWords(words: Uint32Array, n: number): Uint8Array {
  return Uint8Array.from({ length: words.length * 4 }, (_, i) => {
    const row = Math.floor(i / n);
    return (words[Math.floor(row / 4) * n + (i % n)]! >>> ((row % 4) * 8)) & 255;
  });
}

/** Group · 16 + bits of each row. */
export function rowTable(groups: readonly Group[]): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(
    groups.flatMap(({ bits, start, end }, group) => Array<number>(end - start).fill(group * 16 + bits)),
  );
}

const packedRows = ({ bits, start, end }: Group): number => ((end - start) * bits) / 32;

/** First row, word's number in the group, bits and rows of each packed row. */
export function packedRowTable(groups: readonly Group[]): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(
    groups.flatMap((group) =>
      Array.from({ length: packedRows(group) }, (_, i) => [
        group.start,
        i,
        group.bits,
        group.end - group.start,
      ]).flat(),
    ),
  );
}

/** First row and first packed row of each group. */
export function groupTable(groups: readonly Group[]): Uint32Array<ArrayBuffer> {
  let first = 0;
  return Uint32Array.from(
    groups.flatMap((group) => {
      const row = [group.start, first];
      first += packedRows(group);
      return row;
    }),
  );
}
