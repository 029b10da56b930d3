import { afterAll, describe, expect, test } from 'vitest';
import { withScope } from '../../src/gpu/scope.ts';
import { choleskyDiagonal } from '../../src/kernels/linalg/cholesky_diagonal.ts';
import { choleskyPanel } from '../../src/kernels/linalg/cholesky_panel.ts';
import { choleskyUpdate } from '../../src/kernels/linalg/cholesky_update.ts';
import { triangularInverse } from '../../src/kernels/linalg/triangular_inverse.ts';
import { cholesky, inverseFactor, reversed } from '../../src/reference/linalg/cholesky.ts';
import { gemm, gram, transpose } from '../../src/reference/linalg/product.ts';
import { expectExact, expectNmse } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats } from '../support/random.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

/** A (k, k) factored and inverted block by block. */
function factor(a: Float32Array<ArrayBuffer>, k: number) {
  return withScope(gpu, async (scope) => {
    const matrix = scope.upload(a, 'a');
    const inverse = scope.alloc([k / 32, 32, 32], 'inverse');
    const status = scope.upload(new Uint32Array(1), 'status');
    const u = scope.upload(new Float32Array(k * k), 'u');
    for (let start = 0; start < k; start += 32) {
      gpu.run(choleskyDiagonal, { k, start, a: matrix, inverse, status });
      gpu.run(choleskyPanel, { k, start, inverse, a: matrix });
      gpu.run(choleskyUpdate, { k, start, a: matrix });
    }
    for (let block = 0; block < k / 32; block++)
      gpu.run(triangularInverse, { k, block, l: matrix, inverse, u });
    return {
      l: lowerTriangle(new Float32Array(await gpu.read(matrix)), k),
      u: new Float32Array(await gpu.read(u)),
      failedPivots: new Uint32Array(await gpu.read(status))[0]!,
    };
  });
}

const lowerTriangle = (a: Float32Array, k: number): Float32Array =>
  a.map((value, i) => (i % k <= Math.floor(i / k) ? value : 0));

/** A Hessian as calibration makes it: 3k tokens, features of very different size, ExLlamaV2's damping. */
function hessian(k: number, seed: number): Float32Array<ArrayBuffer> {
  const sizes = randomFloats(k, seed + 1);
  const x = randomFloats(3 * k * k, seed).map((value, i) => value * (0.05 + Math.abs(sizes[i % k]!)));
  const h = gram(x, 3 * k, k);
  let trace = 0;
  for (let i = 0; i < k; i++) trace += h[i * k + i]!;
  for (let i = 0; i < k; i++) h[i * k + i]! += (0.12 * trace) / k;
  return Float32Array.from(h);
}

const identity = (k: number): Float64Array =>
  Float64Array.from({ length: k * k }, (_, i) => (i % (k + 1) === 0 ? 1 : 0));

describe.each([32, 64, 96, 160, 288])(
  'cholesky_diagonal, _panel, _update and triangular_inverse, k %i',
  (k) => {
    const h = hessian(k, k);
    const run = factor(Float32Array.from(reversed(h, k)), k);

    test('A = L·Lᵀ and every pivot is good', async () => {
      const { l, failedPivots } = await run;
      expect(failedPivots).toBe(0);
      // The backward error of a factorization does not depend on the condition: some 2⁻²⁴, squared.
      expectNmse(gemm(l, transpose(l, k, k), k, k, k), reversed(h, k), 1e-12);
      expectNmse(l, cholesky(reversed(h, k), k), 1e-9);
    });

    test('U is upper, and U·H·Uᵀ = 1', async () => {
      const { u } = await run;
      const below = Array.from(u).filter((_, i) => i % k < Math.floor(i / k));
      expectExact(
        below,
        below.map(() => 0),
      );
      // Forward errors grow with the condition, at most k/0.12 here: some (1e-4)² at the worst.
      expectNmse(gemm(gemm(u, h, k, k, k), transpose(u, k, k), k, k, k), identity(k), 1e-9);
      expectNmse(u, inverseFactor(h, k), 1e-9);
    });
  },
);

describe('pivots that are not positive and finite are counted', () => {
  const k = 96;
  test.each([
    ['an indefinite matrix', -1],
    ['a zero', 0],
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
  ])('%s', async (_what, value) => {
    for (const at of [0, 31, 40, 95]) {
      const a = Float32Array.from(identity(k));
      a[at * k + at] = value;
      expect((await factor(a, k)).failedPivots, `pivot ${at}`).toBeGreaterThan(0);
    }
  });

  test('NaN off the diagonal', async () => {
    const a = Float32Array.from(identity(k));
    a[70 * k + 3] = Number.NaN;
    expect((await factor(a, k)).failedPivots).toBeGreaterThan(0);
  });

  test('a matrix that is singular but for rounding', async () => {
    const a = new Float32Array(k * k).fill(-1);
    for (let i = 0; i < k; i++) a[i * k + i] = k - 2;
    expect((await factor(a, k)).failedPivots).toBeGreaterThan(0);
  });
});
