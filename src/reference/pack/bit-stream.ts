import type { Group } from '../../exl2/params.ts';

/** q_weight (Σ packed rows, n) from codes (k, n): down each column of a group one stream of bits, low bits first. */
export function packCodes(codes: ArrayLike<number>, n: number, groups: readonly Group[]): Uint32Array {
  const rows = groups.reduce((sum, { bits, start, end }) => sum + ((end - start) * bits) / 32, 0);
  const packed = new Uint32Array(rows * n);
  forEachBit(n, groups, (code, codeBit, word, wordBit) => {
    packed[word]! |= ((codes[code]! >>> codeBit) & 1) << wordBit;
  });
  return packed;
}

/** Codes (k, n) from q_weight. */
export function unpackCodes(packed: Uint32Array, n: number, groups: readonly Group[]): Uint8Array {
  const codes = new Uint8Array(groups.at(-1)!.end * n);
  forEachBit(n, groups, (code, codeBit, word, wordBit) => {
    codes[code]! |= ((packed[word]! >>> wordBit) & 1) << codeBit;
  });
  return codes;
}

function forEachBit(
  n: number,
  groups: readonly Group[],
  visit: (code: number, codeBit: number, word: number, wordBit: number) => void,
): void {
  let firstWord = 0;
  for (const { bits, start, end } of groups) {
    for (let column = 0; column < n; column++) {
      for (let at = 0; at < (end - start) * bits; at++) {
        const code = (start + Math.floor(at / bits)) * n + column;
        visit(code, at % bits, (firstWord + Math.floor(at / 32)) * n + column, at % 32);
      }
    }
    firstWord += ((end - start) * bits) / 32;
  }
}
