import { afterAll, describe, expect, test } from 'vitest';
import { invertTriangle } from '../../src/gptq/invert-triangle.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { withScope } from '../../src/gpu/scope.ts';
import { choleskyDiagonal } from '../../src/kernels/cholesky/cholesky_diagonal.ts';
import { choleskyPanel } from '../../src/kernels/cholesky/cholesky_panel.ts';
import { choleskyUpdate } from '../../src/kernels/cholesky/cholesky_update.ts';
import { reverseTriangle } from '../../src/kernels/triangular_inverse/reverse_triangle.ts';
import { triangularInverse } from '../../src/kernels/triangular_inverse/triangular_inverse.ts';
import { triangularInverseTiled } from '../../src/kernels/triangular_inverse/triangular_inverse_tiled.ts';
import * as reference from '../../src/reference/linalg/cholesky.ts';
import { gemm, gram, transpose } from '../../src/reference/linalg/product.ts';
import { expectExact, expectNmse } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';

const { cholesky, inverseFactor, reversed } = reference;

const gpu = await testGpu();
const tiledGpu = await testGpu();
tiledGpu.prefer(triangularInverse.first, triangularInverseTiled.first);
tiledGpu.prefer(triangularInverse.second, triangularInverseTiled.second);
afterAll(() => {
  gpu.destroy();
  tiledGpu.destroy();
});

/** A (k, k) factored and inverted block by block. */
function factor(gpu: Gpu, a: Float32Array<ArrayBuffer>, k: number) {
  return withScope(gpu, async (scope) => {
    const matrix = scope.upload(a, 'a');
    const status = scope.upload(new Uint32Array(1), 'status');
    const u = scope.upload(new Float32Array(k * k).fill(Number.NaN), 'u');
    for (let start = 0; start < k; start += 32) {
      gpu.run(choleskyDiagonal, { k, start, a: matrix, status });
      gpu.run(choleskyPanel, { k, start, a: matrix });
      gpu.run(choleskyUpdate, { k, start, a: matrix });
    }
    const l = withoutInverses(new Float32Array(await gpu.read(matrix)), k);
    invertTriangle(gpu, k, matrix, u);
    gpu.run(reverseTriangle, { k, x: matrix, u });
    return {
      l,
      u: new Float32Array(await gpu.read(u)),
      failedPivots: new Uint32Array(await gpu.read(status))[0]!,
    };
  });
}

/** L (k, k) from a matrix that holds its diagonal blocks' inverses in their places, and anything above. */
function withoutInverses(a: Float32Array, k: number): Float64Array {
  const l = Float64Array.from(a, (value, i) => (i % k <= Math.floor(i / k) ? value : 0));
  for (let start = 0; start < k; start += 32) {
    const at = (i: number) => (start + Math.floor(i / 32)) * k + start + (i % 32);
    const inverse = Float64Array.from({ length: 32 * 32 }, (_, i) => l[at(i)]!);
    reference.triangularInverse(inverse, 32).forEach((value, i) => {
      l[at(i)] = value;
    });
  }
  return l;
}

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

// The inverse is made in blocks of 32, 64, 128 …; a tiled workgroup makes 128 × 128 of them.
describe.each([32, 64, 96, 160, 288, 416].flatMap((k) => [{ k }, { k, tiled: true }]))(
  'cholesky_diagonal, _panel, _update, triangular_inverse and reverse_triangle, k $k, tiled $tiled',
  ({ k, tiled }: { k: number; tiled?: boolean }) => {
    const h = hessian(k, k);
    const run = factor(tiled ? tiledGpu : gpu, Float32Array.from(reversed(h, k)), k);

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

describe.each([triangularInverse, triangularInverseTiled])(
  'triangular_inverse in parts',
  ({ first, second }) => {
    const [k, side] = [480, 256];
    const l = randomFloats(k * k, 7);
    const x = (i: number, j: number): number => (Math.floor(j / 32) > Math.floor(i / 32) ? 0 : l[i * k + j]!);

    // Rows 0 … 127 of the lower 224 and the rest; what is above the diagonal blocks of 32 is not read.
    test.each([
      { start: 0, rows: 128 },
      { start: 128, rows: 96 },
    ])('rows from $start', async ({ start, rows }) => {
      const scalars = { k, side, start, rows };
      const work = new Float32Array(k * k);
      const { u: t } = await runKernel(gpu, first, scalars, { l, u: work });
      const { l: result } = await runKernel(gpu, second, scalars, { l, u: l });
      const [expectedT, expected] = [new Float64Array(k * k), Float64Array.from(l)];
      for (let i = side + start; i < side + start + rows; i++) {
        for (let j = 0; j < side; j++) {
          let sum = 0;
          for (let m = 0; m < side; m++) sum += l[i * k + m]! * x(m, j);
          expectedT[i * k + j] = sum;
          sum = 0;
          for (let m = side; m < k; m++) sum += x(i, m) * l[m * k + j]!;
          expected[i * k + j] = -sum;
        }
      }
      // Sums of up to 256 products in f32.
      expectNmse(t, expectedT, 1e-12);
      expectNmse(result, expected, 1e-12);
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
      expect((await factor(gpu, a, k)).failedPivots, `pivot ${at}`).toBeGreaterThan(0);
    }
  });

  test('NaN off the diagonal', async () => {
    const a = Float32Array.from(identity(k));
    a[70 * k + 3] = Number.NaN;
    expect((await factor(gpu, a, k)).failedPivots).toBeGreaterThan(0);
  });

  test('a matrix that is singular but for rounding', async () => {
    const a = new Float32Array(k * k).fill(-1);
    for (let i = 0; i < k; i++) a[i * k + i] = k - 2;
    expect((await factor(gpu, a, k)).failedPivots).toBeGreaterThan(0);
  });
});
