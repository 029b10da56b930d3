import { afterAll, describe, expect, test } from 'vitest';
import { factorTriangle } from '../../src/gptq/factor.ts';
import { invertTriangle } from '../../src/gptq/invert-triangle.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { PANEL_BYTES } from '../../src/gpu/matrix/panels.ts';
import { withScope } from '../../src/gpu/scope.ts';
import { triangularInverse } from '../../src/kernels/triangular_inverse/triangular_inverse.ts';
import { triangularInverseTiled } from '../../src/kernels/triangular_inverse/triangular_inverse_tiled.ts';
import * as reference from '../../src/reference/linalg/cholesky.ts';
import { gemm, gram, transpose } from '../../src/reference/linalg/product.ts';
import { expectNmse } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';
import { readTriangle, uploadTriangle } from '../support/triangle.ts';

const { cholesky, inverseFactor, reversed } = reference;

const gpu = await testGpu();
const tiledGpu = await testGpu();
tiledGpu.prefer(triangularInverse.first, triangularInverseTiled.first);
tiledGpu.prefer(triangularInverse.second, triangularInverseTiled.second);
afterAll(() => {
  gpu.destroy();
  tiledGpu.destroy();
});

/** A (k, k) factored, and the factor inverted; in panels of `rows` rows where that is said. */
function factor(gpu: Gpu, a: Float32Array<ArrayBuffer>, k: number, rows?: number) {
  return withScope(gpu, async (scope) => {
    gpu.panelBytes = rows === undefined ? PANEL_BYTES : rows * k * 4;
    const matrix = uploadTriangle(gpu, scope, a, k);
    const status = scope.upload(new Uint32Array(1), 'status');
    factorTriangle(gpu, scope, matrix, status);
    const l = withoutInverses(await readTriangle(gpu, matrix), k);
    invertTriangle(gpu, matrix);
    return {
      l,
      x: await readTriangle(gpu, matrix),
      panels: matrix.panels.length,
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
  'cholesky_diagonal, _panel, _update and triangular_inverse, k $k, tiled $tiled',
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

    test('of the inverse X, U = J·X·J has U·H·Uᵀ = 1', async () => {
      const u = reversed((await run).x, k);
      // Forward errors grow with the condition, at most k/0.12 here: some (1e-4)² at the worst.
      expectNmse(gemm(gemm(u, h, k, k, k), transpose(u, k, k), k, k, k), identity(k), 1e-9);
      expectNmse(u, inverseFactor(h, k), 1e-9);
    });

    test('panels of 128 rows give the same to the bit', async () => {
      const whole = await run;
      const cut = await factor(tiled ? tiledGpu : gpu, Float32Array.from(reversed(h, k)), k, 128);
      expect(cut.panels).toBe(Math.ceil(k / 128));
      expect(cut.x).toEqual(whole.x);
      expect(cut.l).toEqual(whole.l);
    });
  },
);

describe.each([triangularInverse, triangularInverseTiled])(
  'triangular_inverse in parts',
  ({ first, second }) => {
    // One pair: A has 256 rows, C 224. The panel has rows 128 …, the right factors' panel rows 128 … 383.
    const [k, side, panel] = [480, 256, 128];
    const [rightFirst, rightEnd] = [128, 384];
    const l = randomFloats(k * k, 7);
    const x = (i: number, j: number): number => (Math.floor(j / 32) > Math.floor(i / 32) ? 0 : l[i * k + j]!);
    const rowsFrom = (matrix: Float32Array, width: number, from: number, to: number) =>
      Float32Array.from({ length: (to - from) * width }, (_, i) => {
        const [row, column] = [from + Math.floor(i / width), i % width];
        return matrix[row * k + column]!;
      });

    // Rows 0 … 127 of C and the rest; what is above the diagonal blocks of 32 is not read.
    test.each([
      { start: 0, rows: 128 },
      { start: 128, rows: 96 },
    ])('rows from $start', async ({ start, rows }) => {
      const scalars = { side, aStart: 0, pairs: 1, start, rows, first: panel, end: k, rightFirst, rightEnd };
      const left = rowsFrom(l, k, panel, k);
      const right = rowsFrom(l, rightEnd, rightFirst, rightEnd);
      const begun = randomFloats((k - panel) * side, 8); // of the sums that an earlier part has begun
      const { product } = await runKernel(gpu, first, scalars, { left, right, product: begun });
      const t = rowsFrom(l, side, rightFirst, rightEnd);
      const { left: made } = await runKernel(gpu, second, scalars, { left, right: t });
      const [expected, expectedLeft] = [Float64Array.from(begun), Float64Array.from(left)];
      for (let i = side + start; i < side + start + rows; i++) {
        for (let j = 0; j < side; j++) {
          const at = (i - panel) * side + j;
          // Columns of A from the panel's first row on begin here.
          let sum = Math.floor(j / 128) * 128 < rightFirst ? begun[at]! : 0;
          for (let m = Math.max(j - (j % 32), rightFirst); m < side; m++) sum += l[i * k + m]! * x(m, j);
          expected[at] = sum;
          sum = 0;
          for (let m = side; m < rightEnd; m++) sum += x(i, m) * l[m * k + j]!;
          expectedLeft[(i - panel) * k + j] = -sum;
        }
      }
      // Sums of up to 256 products in f32.
      expectNmse(product, expected, 1e-12);
      expectNmse(made, expectedLeft, 1e-12);
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
