import { afterAll, test } from 'vitest';
import { gemv } from '../../src/kernels/gemm/gemv.ts';
import { gemm } from '../../src/reference/linalg/product.ts';
import { expectNmse } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

// f32 sums: the relative error of one grows like sqrt(k)·2⁻²⁴, squared about k·4e-15.
const SUM_NMSE = 1e-12;

// A workgroup makes 32 columns of a row, k shared out to 16.
test.each([
  [1, 4, 1],
  [1, 32, 16],
  [8, 36, 33],
  [3, 68, 116],
  [1, 344, 128],
])('gemv %i × %i over %i', async (m, n, k) => {
  const a = randomFloats(m * k, 1);
  const b = randomFloats(k * n, 2);
  const c = randomFloats(m * n, 3);
  const product = gemm(a, b, m, n, k);
  const written = await runKernel(gpu, gemv, { m, n, k, accumulate: 0 }, { a, b, c });
  expectNmse(written.c, product, SUM_NMSE);
  const added = await runKernel(gpu, gemv, { m, n, k, accumulate: 1 }, { a, b, c });
  expectNmse(
    added.c,
    product.map((value, i) => value + c[i]!),
    SUM_NMSE,
  );
});
