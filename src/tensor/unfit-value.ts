/**
 * Values that no half can hold: NaN, infinities, and what rounds to infinity. Looked for two halves, or one single, at a
 * time, in integer arithmetic: adding `add` to what `magnitude` leaves carries into `flag` where the value is too large.
 */
import { assert } from '../util/errors.ts';
import { f16BitsToF32 } from '../util/half.ts';
import type { HostTensor } from './dtype.ts';

interface Test {
  readonly magnitude: number;
  readonly add: number;
  readonly flag: number;
  readonly elementBytes: 2 | 4;
}

/** Halves: an exponent of ones. BF16: from 0x4780 on (65536; the one before is 65280). F32: from 65520 on. */
const TESTS: Readonly<Record<string, Test>> = {
  F16: { magnitude: 0x7fff7fff, add: 0x04000400, flag: 0x80008000, elementBytes: 2 },
  BF16: { magnitude: 0x7fff7fff, add: 0x38803880, flag: 0x80008000, elementBytes: 2 },
  F32: { magnitude: 0x7fffffff, add: 0x38801000, flag: 0x80000000, elementBytes: 4 },
};

/** Words that are looked at before it is asked whether one of them was unfit. */
const BLOCK = 4096;

/** The first value that no half can hold, and which element it is. */
export interface UnfitValue {
  readonly index: number;
  readonly value: number;
}

/** Looks through an F32, F16 or BF16 tensor. Undefined: halves can hold all of it. */
export function findUnfitValue({ dtype, data }: Pick<HostTensor, 'dtype' | 'data'>): UnfitValue | undefined {
  const test = TESTS[dtype];
  assert(test, `values of ${dtype} are looked at`);
  const { buffer, byteOffset, byteLength } = data.byteOffset % 4 === 0 ? data : data.slice();
  const words = new Int32Array(buffer, byteOffset, byteLength >>> 2);
  for (let start = 0; start < words.length; start += BLOCK) {
    const block = words.subarray(start, start + BLOCK);
    if (isUnfit(block, test)) return firstOf(dtype, block, start, test);
  }
  if (byteLength % 4 === 0) return undefined;
  const last = Int32Array.of(data[byteLength - 2]! | (data[byteLength - 1]! << 8));
  return isUnfit(last, test) ? firstOf(dtype, last, words.length, test) : undefined;
}

function isUnfit(words: Int32Array, { magnitude, add, flag }: Test): boolean {
  let found = 0;
  // Signed words: as unsigned ones they would be computed in floating point.
  for (let i = 0; i < words.length; i++) found |= ((words[i]! & magnitude) + add) | 0;
  return (found & flag) !== 0;
}

/** @param start number of the first word among all. */
function firstOf(dtype: string, words: Int32Array, start: number, test: Test): UnfitValue {
  const { magnitude, add, flag, elementBytes } = test;
  const at = words.findIndex((word) => (((word & magnitude) + add) & flag) !== 0);
  const word = words[at]!;
  const inWord = elementBytes === 2 && (((word & magnitude) + add) & 0x8000) === 0 ? 1 : 0;
  return {
    index: (start + at) * (4 / elementBytes) + inWord,
    value: valueOfBits(dtype, inWord === 1 ? word >>> 16 : word),
  };
}

function valueOfBits(dtype: string, bits: number): number {
  if (dtype === 'F16') return f16BitsToF32(bits & 0xffff);
  return new Float32Array(Uint32Array.of(dtype === 'BF16' ? bits << 16 : bits).buffer)[0]!;
}
