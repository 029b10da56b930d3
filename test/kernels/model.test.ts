import { afterAll, expect, test } from 'vitest';
import { combineSlices, type SliceStatistics } from '../../src/evaluate/token-statistics.ts';
import { COMPARED, compareLogits } from '../../src/kernels/logits/compare_logits.ts';
import { rope } from '../../src/kernels/rope/rope.ts';
import { sumSquares } from '../../src/kernels/row_sums/sum_squares.ts';
import { tokenErrors } from '../../src/kernels/row_sums/token_errors.ts';
import * as reference from '../../src/reference/model.ts';
import * as crossEntropyReference from '../../src/reference/model-kernels/cross-entropy.ts';
import * as squaresReference from '../../src/reference/model-kernels/sum-squares.ts';
import * as errorsReference from '../../src/reference/model-kernels/token-errors.ts';
import { expectExact, expectNmse, expectUlps } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats, randomIntegers } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

test.each([
  { rows: 1, length: 1, heads: 1, d: 2, rotated: 2, pairs: 0 },
  { rows: 1, length: 5, heads: 3, d: 48, rotated: 48, pairs: 0 },
  { rows: 2, length: 7, heads: 2, d: 64, rotated: 64, pairs: 0 },
  { rows: 3, length: 11, heads: 1, d: 128, rotated: 128, pairs: 0 },
  { rows: 2, length: 3, heads: 5, d: 96, rotated: 72, pairs: 0 },
  { rows: 1, length: 4, heads: 3, d: 4, rotated: 2, pairs: 0 },
  { rows: 1, length: 1, heads: 1, d: 2, rotated: 2, pairs: 1 },
  { rows: 2, length: 7, heads: 3, d: 64, rotated: 64, pairs: 1 },
  { rows: 2, length: 5, heads: 2, d: 128, rotated: 64, pairs: 1 },
  { rows: 1, length: 9, heads: 3, d: 48, rotated: 46, pairs: 1 },
])('rope: $rows rows of $length, $heads heads of $d, $rotated of them in pairs $pairs', async (shape) => {
  const { rows, length, heads, d, rotated, pairs } = shape;
  const angles = randomFloats((length * rotated) / 2, 3);
  const [cosine, sine] = [angles.map(Math.cos), angles.map(Math.sin)];
  const before = randomFloats(rows * length * heads * d, 4);
  const { x } = await runKernel(
    gpu,
    rope,
    { tokens: rows * length, length, heads, d, rotated, pairs, past: 0 },
    { cosine, sine, x: before },
  );
  const one = length * heads * d;
  const expected = Array.from({ length: rows }, (_, i) => [
    ...reference.rotate(before.subarray(i * one, (i + 1) * one), { cos: cosine, sin: sine }, heads, d, {
      rotated,
      neighbours: pairs === 1,
    }),
  ]).flat();
  // What doesn't turn stays as it was, to the bit.
  const still = (values: ArrayLike<number>) => Array.from(values).filter((_, i) => i % d >= rotated);
  expectExact(still(x), still(before));
  // Two products and a sum that may cancel, so the error is that of the pair's length: 3 roundings, squared.
  expectNmse(x, expected, 3e-14);
});

test('rope from a later position on', async () => {
  const [past, length, heads, d, rotated] = [5, 3, 2, 8, 6];
  const angles = randomFloats(((past + length) * rotated) / 2, 3);
  const [cosine, sine] = [angles.map(Math.cos), angles.map(Math.sin)];
  const row = randomFloats((past + length) * heads * d, 4);
  const scalars = { tokens: length, length, heads, d, rotated, pairs: 0, past };
  const { x } = await runKernel(gpu, rope, scalars, { cosine, sine, x: row.slice(past * heads * d) });
  const whole = reference.rotate(row, { cos: cosine, sin: sine }, heads, d, { rotated });
  expectNmse(x, whole.slice(past * heads * d), 3e-14);
});

/** Loss of each target by a model compared with itself, from the vocabulary's slices, as a head in slices gives them. */
async function lossFromSlices(logits: Float32Array, targets: Uint32Array, vocabulary: number, width: number) {
  const m = targets.length;
  const n = logits.length / m;
  const slices = Array.from(targets, (): SliceStatistics[] => []);
  for (let first = 0; first < vocabulary; first += width) {
    const slice = Float32Array.from({ length: m * width }, (_, i) => {
      const column = first + (i % width);
      return column < n ? logits[Math.floor(i / width) * n + column]! : 1e9; // padding
    });
    const scalars = { m, n: width, first, count: Math.min(width, vocabulary - first) };
    const stats = new Float32Array(m * COMPARED);
    const tensors = { a: slice, b: slice, targets: Uint32Array.from(targets), stats };
    const found = (await runKernel(gpu, compareLogits, scalars, tensors)).stats as Float32Array;
    for (const [row, each] of slices.entries()) {
      each.push({ first, stats: found.subarray(row * COMPARED, (row + 1) * COMPARED) });
    }
  }
  const losses = slices.map(combineSlices);
  for (const { loss, referenceLoss } of losses) expect(loss).toBe(referenceLoss);
  return Float64Array.from(losses, ({ loss }) => loss);
}

test.each([
  [1, 1, 1, 1],
  [3, 63, 63, 63],
  [2, 96, 65, 96],
  [5, 1024, 1000, 256],
  [3, 96, 70, 32],
])('the loss by %i rows of %i logits, vocabulary %i, in slices of %i', async (m, n, vocabulary, width) => {
  const logits = randomFloats(m * n, 8).map((value, i) => (i % n < vocabulary ? value : 1e9));
  const targets = Uint32Array.from(randomIntegers(m, vocabulary, 9));
  const loss = await lossFromSlices(logits, targets, vocabulary, width);
  // The sum and the largest logit (up to some 100) are rounded before they cancel.
  expectUlps(loss, crossEntropyReference.crossEntropy(logits, targets, n, vocabulary), 16, 3e-5);
});

test('the loss by logits too large for exp', async () => {
  const logits = Float32Array.of(300, 200, 0, -300, -300.5, -1000);
  const loss = await lossFromSlices(logits, Uint32Array.of(1, 0), 3, 3);
  expectUlps(loss, [100, Math.log(1 + Math.exp(-0.5))], 0, 6e-5);
});

test.each([
  [1, 1],
  [3, 63],
  [2, 4096],
  [3, 4097],
  [1, 10007],
  // More workgroups than a grid's dimension holds, and an odd number: one of the two rows of the grid is not full.
  [65537, 3],
])('sum_squares of %i rows of %i', async (rows, count) => {
  const x = randomFloats(rows * count, 10);
  const parts = Math.ceil(count / 4096);
  const tensors = { x, sums: new Float32Array(rows * parts) };
  const { sums } = await runKernel(gpu, sumSquares, { rows, count, parts }, tensors);
  // 64 sums of 64 positive terms: at most 128 roundings of one ulp each way, far fewer in the mean.
  expectUlps(sums, squaresReference.sumSquares(x, rows, 4096), 64);
});

// A workgroup of 32 takes 8 tokens.
test.each([
  [1, 1, 1],
  [3, 7, 40],
  [2, 8, 576],
  [1, 33, 5000],
  [65537, 1, 3],
])('token_errors of %i rows of %i tokens of %i values', async (rows, length, hidden) => {
  const reference = randomFloats(rows * length * hidden, 13);
  // The first token of each row is a thousand times as large as the others, and errs less.
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < hidden; i++) reference[row * length * hidden + i]! *= 1000;
  }
  const y = randomFloats(reference.length, 14).map((value, i) => reference[i]! + value / 100);
  const parts = Math.ceil(length / 8);
  const tensors = { y, reference, sums: new Float32Array(rows * parts * 3) };
  const { sums } = await runKernel(gpu, tokenErrors, { rows, length, hidden, parts }, tensors);
  // Sums of positive terms, at most 157 + 32 + 8 of them one after the other, and a division.
  expectUlps(sums, errorsReference.tokenErrors(y, reference, rows, length, 8), 128);
});

test('token_errors: what is as it should be errs by nothing, what should not be there is all wrong', async () => {
  // Of three tokens of two values the second is as it should be, and the last should be nothing.
  const reference = Float32Array.of(2, 0, 3, 4, 0, 0);
  const y = Float32Array.of(2, 1, 3, 4, 0, 3);
  const tensors = { y, reference, sums: new Float32Array(3) };
  const scalars = { rows: 1, length: 3, hidden: 2, parts: 1 };
  const { sums } = await runKernel(gpu, tokenErrors, scalars, tensors);
  expect([...sums]).toEqual([1 / 4 + 0 + 1, 1 + 0 + 9, 4 + 25 + 0]);
});

test('token_errors of equal states is exactly zero', async () => {
  const y = randomFloats(5000, 12);
  const tensors = { y, reference: y.slice(), sums: new Float32Array(6) };
  const scalars = { rows: 1, length: 10, hidden: 500, parts: 2 };
  const { sums } = await runKernel(gpu, tokenErrors, scalars, tensors);
  expect([sums[0], sums[1], sums[3], sums[4]]).toEqual([0, 0, 0, 0]);
  expect(sums[2]).toBeGreaterThan(0);
  expect(sums[5]).toBeGreaterThan(0);
});
