import { afterAll, test } from 'vitest';
import { diagonal } from '../../src/kernels/linalg/diagonal.ts';
import { permuteHessian } from '../../src/kernels/linalg/permute_hessian.ts';
import { symmetrize } from '../../src/kernels/linalg/symmetrize.ts';
import * as reference from '../../src/reference/linalg/hessian.ts';
import { expectExact, expectUlps } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats, randomPermutation } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

// Workgroups take 64 or 256 elements of a row.
const SIZES = [1, 2, 63, 65, 128, 257];

test.each(SIZES)('permute_hessian, k %i: product and sum, each rounded once either way', async (k) => {
  const h = randomFloats(k * k, 1).map(Math.abs); // positive, so that adding the damping cancels nothing
  const order = randomPermutation(k, 2);
  const [scale, damp] = [Math.fround(1 / 19), Math.fround(0.37)];
  const { a } = await runKernel(
    gpu,
    permuteHessian,
    { k, scale, damp },
    { h, order, a: new Float32Array(k * k) },
  );
  expectUlps(a, reference.permuteHessian(h, order, scale, damp), 2);
});

test.each(SIZES)('symmetrize and diagonal, k %i: copies', async (k) => {
  const h = randomFloats(k * k, 3);
  expectExact((await runKernel(gpu, symmetrize, { k }, { h })).h, reference.symmetrize(h, k));
  const { d } = await runKernel(gpu, diagonal, { k }, { h, d: new Float32Array(k) });
  expectExact(d, reference.diagonal(h, k));
});
