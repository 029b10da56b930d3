import { afterAll, test } from 'vitest';
import { addVector } from '../../src/kernels/elementwise/add_vector.ts';
import { columnSumSquares } from '../../src/kernels/gram/column_sum_squares.ts';
import { addTriangle, triangleSize } from '../../src/kernels/hessian/add_triangle.ts';
import { diagonal } from '../../src/kernels/hessian/diagonal.ts';
import { permuteHessian } from '../../src/kernels/hessian/permute_hessian.ts';
import { symmetrize } from '../../src/kernels/hessian/symmetrize.ts';
import { unpackTriangle } from '../../src/kernels/hessian/unpack_triangle.ts';
import * as reference from '../../src/reference/linalg/hessian.ts';
import { expectExact, expectUlps } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats, randomPermutation } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

// Workgroups take 64 or 256 elements of a row.
const SIZES = [1, 2, 63, 65, 128, 257];

test.each(SIZES)(
  'permute_hessian, k %i: two products and two sums, each rounded once either way',
  async (k) => {
    const h = randomFloats(k * k, 1).map(Math.abs); // positive, so that adding the damping cancels nothing
    const order = randomPermutation(k, 2);
    const [scale, ratio, damp] = [Math.fround(1 / 19), Math.fround(0.2), Math.fround(0.37)];
    const { a } = await runKernel(
      gpu,
      permuteHessian,
      { k, scale, ratio, damp },
      { h, order, a: new Float32Array(k * k) },
    );
    expectUlps(a, reference.permuteHessian(h, order, scale, ratio, damp), 4);
  },
);

test.each(SIZES)('symmetrize and diagonal, k %i: copies', async (k) => {
  const h = randomFloats(k * k, 3);
  expectExact((await runKernel(gpu, symmetrize, { k }, { h })).h, reference.symmetrize(h, k));
  const { d } = await runKernel(gpu, diagonal, { k }, { h, d: new Float32Array(k) });
  expectExact(d, reference.diagonal(h, k));
});

test.each(SIZES)('add_triangle and unpack_triangle, k %i: one rounding, and copies', async (k) => {
  const h = randomFloats(k * k, 4);
  const p = randomFloats(triangleSize(k), 5);
  expectUlps((await runKernel(gpu, addTriangle, { k }, { h, p })).p, reference.addTriangle(h, k, p), 1);
  expectExact((await runKernel(gpu, unpackTriangle, { k }, { p, h })).h, reference.unpackTriangle(p, k, h));
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
