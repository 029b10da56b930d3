import { afterAll, describe, expect, test } from 'vitest';
import { BIT_WIDTHS, type BitWidth } from '../../src/exl2/params.ts';
import { compare } from '../../src/kernels/pack/compare.ts';
import { dequantize } from '../../src/kernels/pack/dequantize.ts';
import { packCodes } from '../../src/kernels/pack/pack_codes.ts';
import { unpackCodes } from '../../src/kernels/pack/unpack_codes.ts';
import * as bitStream from '../../src/reference/pack/bit-stream.ts';
import * as values from '../../src/reference/pack/values.ts';
import { f32ToF16Bits } from '../../src/util/half.ts';
import { expectExact } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import {
  codesOfWords,
  groupsOf,
  groupTable,
  packedRowTable,
  randomCodes,
  rowTable,
  wordsOfCodes,
} from '../support/quantized-layout.ts';
import { randomFloats, randomIntegers, randomPermutation } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

type Layout = readonly (readonly [bits: BitWidth, rows: number])[];
const LAYOUTS: [string, Layout, number][] = [
  ...BIT_WIDTHS.map((bits): [string, Layout, number] => [`${bits} bits`, [[bits, 32]], 1]),
  ...BIT_WIDTHS.map((bits): [string, Layout, number] => [
    `${bits} bits`,
    [
      [bits, 128],
      [bits, 96],
    ],
    65,
  ]),
  [
    'all widths',
    [
      [8, 32],
      [6, 128],
      [6, 64],
      [5, 96],
      [4, 32],
      [3, 64],
      [3, 32],
      [2, 128],
    ],
    67,
  ],
];

describe.each(LAYOUTS)('pack_codes and unpack_codes: %s', (_name, parts, n) => {
  const groups = groupsOf(parts);
  const k = groups.at(-1)!.end;
  const codes = randomCodes(groups, n, k + n);
  const expected = bitStream.packCodes(codes, n, groups);

  test('the words are the bit stream', async () => {
    const words = packedRowTable(groups);
    const packedRows = words.length / 4;
    const tensors = { codes: wordsOfCodes(codes, n), words, packed: new Uint32Array(packedRows * n) };
    expectExact((await runKernel(gpu, packCodes, { n, packedRows }, tensors)).packed, expected);
  });

  test('unpacking gives the codes again', async () => {
    const tensors = {
      packed: Uint32Array.from(expected),
      rows: rowTable(groups),
      first: groupTable(groups),
      codes: new Uint32Array((k / 4) * n),
    };
    const unpacked = await runKernel(gpu, unpackCodes, { n, k }, tensors);
    expectExact(codesOfWords(unpacked.codes, n), codes);
    expectExact(bitStream.unpackCodes(expected, n, groups), codes);
  });
});

describe('dequantize is exact', () => {
  test.each([
    ['weights as they are', (i: number) => 10 ** -(i % 4)],
    ['the largest halves', () => 60000],
    ['subnormal halves', (i: number) => (i + 1) * 2 ** -20],
    ['zero', () => 0],
  ])('%s', async (_name, unit) => {
    const n = 67;
    const groups = groupsOf([
      [8, 32],
      [6, 64],
      [5, 32],
      [4, 96],
      [3, 32],
      [2, 32],
    ]);
    const k = groups.at(-1)!.end;
    const codes = randomCodes(groups, n, 1);
    const scaleCodes = randomIntegers(groups.length * n, 16, 2).map((code) => code + 1);
    const scaleMax = Uint32Array.from(groups, (_, i) => f32ToF16Bits(unit(i)));
    const perm = randomPermutation(k, 3);
    const tensors = { codes: wordsOfCodes(codes, n), scaleCodes, scaleMax, rows: rowTable(groups), perm };
    const { w } = await runKernel(gpu, dequantize, { k, n }, { ...tensors, w: new Float32Array(k * n) });
    expectExact(w, values.dequantize({ codes, scaleCodes, scaleMax }, n, groups, perm));
  });
});

describe('compare', () => {
  const largest = async (a: Float32Array<ArrayBuffer>, b: Float32Array<ArrayBuffer>) => {
    const tensors = { a, b, result: new Uint32Array(1) };
    const { result } = await runKernel(gpu, compare, { count: a.length }, tensors);
    return new Float32Array(result.buffer)[0]!;
  };

  // A workgroup takes 4096 elements.
  test.each([1, 255, 4096, 4097, 10007])('finds the one element of %i that differs', async (count) => {
    const a = randomFloats(count, 4);
    expect(await largest(a, a.slice())).toBe(0);
    for (const at of [0, count >> 1, count - 1]) {
      const b = a.slice();
      b[at] = a[at]! - 0.75;
      expect(await largest(a, b)).toBe(Math.abs(Math.fround(a[at]! - b[at]!)));
    }
  });

  test('NaN is larger than every number', async () => {
    const a = Float32Array.of(1, Number.NaN, 1e30, 3);
    expect(await largest(a, Float32Array.of(1, 1, 1, 1))).toBeNaN();
  });
});
