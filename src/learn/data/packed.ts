/** The 32-bit words that a group's codes of one column are packed into, low bits first, as the file has them. */
export function packedWords(codes: ArrayLike<number>, bits: number): number[] {
  const words: number[] = Array.from({ length: Math.ceil((codes.length * bits) / 32) }, () => 0);
  for (let at = 0; at < codes.length * bits; at++) {
    const bit = (codes[Math.floor(at / bits)]! >>> (at % bits)) & 1;
    const word = Math.floor(at / 32);
    words[word] = (words[word]! | (bit << (at % 32))) >>> 0;
  }
  return words;
}
