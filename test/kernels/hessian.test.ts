import { afterAll, test } from 'vitest';
import { addVector } from '../../src/kernels/elementwise/add_vector.ts';
import { columnSumSquares } from '../../src/kernels/gram/column_sum_squares.ts';
import { blockSums } from '../../src/kernels/hessian/block_sums.ts';
import { diagonal } from '../../src/kernels/hessian/diagonal.ts';
import { permuteHessian } from '../../src/kernels/hessian/permute_hessian.ts';
import * as reference from '../../src/reference/linalg/hessian.ts';
import { expectExact, expectUlps } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats, randomPermutation } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

// Workgroups take 64 or 256 elements of a row.
const SIZES = [1, 2, 63, 65, 128, 257];

/** Rows start … end − 1 of the lower triangle of h (k, k), and NaN above it. */
const panelOf = (h: ArrayLike<number>, k: number, start: number, end: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: (end - start) * end }, (_, i) => {
    const [row, column] = [start + Math.floor(i / end), i % end];
    return column <= row ? h[row * k + column]! : Number.NaN;
  });

/** A symmetric matrix, all of it positive, so that adding the damping cancels nothing. */
function symmetric(k: number, seed: number): Float32Array<ArrayBuffer> {
  const h = randomFloats(k * k, seed).map(Math.abs);
  for (let i = 0; i < k; i++) for (let j = 0; j < i; j++) h[j * k + i] = h[i * k + j]!;
  return h;
}

test.each(SIZES)(
  'permute_hessian, k %i, from two panels: two products and two sums, each rounded once either way',
  async (k) => {
    const h = symmetric(k, 1);
    const order = randomPermutation(k, 2);
    const [scale, ratio, damp] = [Math.fround(1 / 19), Math.fround(0.2), Math.fround(0.37)];
    const whole = reference.permuteHessian(h, order, scale, ratio, damp);
    const cut = Math.ceil(k / 2);
    // All rows, or those from the cut on, with all columns or those of the first rows only.
    for (const [first, count, columns] of [
      [0, k, k],
      [cut, k - cut, k],
      [0, cut, cut],
    ] as const) {
      let a: Float32Array<ArrayBuffer> = new Float32Array(Math.max(1, count * columns));
      for (const [start, end] of [
        [0, cut],
        [cut, k],
      ] as const) {
        if (end === start) continue;
        const scalars = { first, count, columns, start, rows: end - start, scale, ratio, damp };
        ({ a } = await runKernel(gpu, permuteHessian, scalars, { h: panelOf(h, k, start, end), order, a }));
      }
      const expected = whole.filter((_, at) => {
        const [i, j] = [Math.floor(at / k), at % k];
        return i >= first && i < first + count && j < columns;
      });
      expectUlps(a.subarray(0, count * columns), expected, 4);
    }
  },
);

test.each(SIZES)('diagonal, k %i, of two panels: copies', async (k) => {
  const h = randomFloats(k * k, 3);
  const cut = Math.floor(k / 2);
  let d: Float32Array<ArrayBuffer> = new Float32Array(k);
  for (const [start, end] of [
    [0, cut],
    [cut, k],
  ] as const) {
    if (end === start) continue;
    const scalars = { start, rows: end - start };
    ({ d } = await runKernel(gpu, diagonal, scalars, { h: panelOf(h, k, start, end), d }));
  }
  expectExact(d, reference.diagonal(h, k));
});

// Blocks of one element, of one or two, of unequal sizes; panels that cut a block.
test.each([
  [1, 1],
  [32, 32],
  [96, 64],
  [130, 64],
  [257, 3],
])('block_sums, k %i in %i², of two panels: every element once', async (k, side) => {
  const h = randomFloats(k * k, 4);
  for (let i = 0; i < k; i++) for (let j = 0; j < i; j++) h[j * k + i] = h[i * k + j]!;
  const cut = Math.floor(k / 3);
  let p: Float32Array<ArrayBuffer> = new Float32Array(side * side);
  for (const [start, end] of [
    [0, cut],
    [cut, k],
  ] as const) {
    if (end === start) continue;
    const scalars = { start, rows: end - start, k, side };
    ({ p } = await runKernel(gpu, blockSums, scalars, { h: panelOf(h, k, start, end), p }));
  }
  const whole = reference.blockSums(h, k, side);
  const lower = whole.map((sum, at) => (at % side <= Math.floor(at / side) ? sum : 0));
  // Nothing cancels; 32 invocations add the most elements of a block, then their sums are added.
  const most = Math.ceil(k / side) ** 2;
  expectUlps(p, lower, most / 32 + 32 + 4);
});

// Workgroups take 64 columns, and every fourth row at a time.
test.each([
  [1, 1],
  [3, 65],
  [4, 64],
  [37, 130],
])('column_sum_squares, %i × %i: adds the squares of each column', async (m, k) => {
  const [x, p] = [randomFloats(m * k, 8), randomFloats(k, 9).map(Math.abs)]; // with outliers; nothing cancels
  const expected = Float64Array.from(p);
  for (const [i, value] of x.entries()) expected[i % k]! += value ** 2;
  expectUlps((await runKernel(gpu, columnSumSquares, { m, k }, { x, p })).p, expected, m / 2 + 4);
});

test.each([1, 63, 64, 65, 1000])('add_vector, %i elements: one rounding', async (count) => {
  const [x, y] = [randomFloats(count, 6), randomFloats(count, 7)];
  x[0] = 3e38;
  const expected = Float64Array.from(y, (value, i) => value + x[i]!);
  expectUlps((await runKernel(gpu, addVector, { count }, { x, y })).y, expected, 1);
});
