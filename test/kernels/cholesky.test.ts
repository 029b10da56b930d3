import { afterAll, describe, expect, test } from 'vitest';
import { factorTriangle } from '../../src/gptq/factor.ts';
import { invertTriangle } from '../../src/gptq/invert-triangle.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { PANEL_BYTES } from '../../src/gpu/matrix/panels.ts';
import { withScope } from '../../src/gpu/scope.ts';
import { choleskyDiagonal } from '../../src/kernels/cholesky/cholesky_diagonal.ts';
import { choleskyPanel } from '../../src/kernels/cholesky/cholesky_panel.ts';
import { choleskyUpdate } from '../../src/kernels/cholesky/cholesky_update.ts';
import { factorColumns } from '../../src/kernels/gptq/factor_columns.ts';
import { triangularInverse } from '../../src/kernels/triangular_inverse/triangular_inverse.ts';
import { triangularInverseTiled } from '../../src/kernels/triangular_inverse/triangular_inverse_tiled.ts';
import * as reference from '../../src/reference/linalg/cholesky.ts';
import { gemm, gram, transpose } from '../../src/reference/linalg/product.ts';
import { expectExact, expectNmse } from '../support/compare.ts';
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

describe('a panel of rows 32 to 95 of a matrix', () => {
  const [k, first, rows] = [96, 32, 64];
  const whole = hessian(k, 5);
  const panel = whole.slice(first * k);
  const inverse = (at: number) => {
    const block = Float64Array.from(
      { length: 32 * 32 },
      (_, i) => whole[(at + Math.floor(i / 32)) * k + at + (i % 32)]!,
    );
    return reference.triangularInverse(cholesky(block, 32), 32);
  };

  test('cholesky_diagonal puts the inverse of the factor of its block into it, and into the pivot', async () => {
    const outputs = { a: panel, pivot: new Float32Array(k * 32), status: new Uint32Array(1) };
    const { a, pivot } = await runKernel(gpu, choleskyDiagonal, { start: 64, first, rows }, outputs);
    const expected = inverse(64);
    const block = Float64Array.from(
      { length: 32 * 32 },
      (_, i) => a[(32 + Math.floor(i / 32)) * k + 64 + (i % 32)]!,
    );
    expectNmse(block, expected, 1e-10);
    expectNmse(pivot.subarray(64 * 32), expected, 1e-10);
    expect(a.subarray(0, 32 * k)).toEqual(panel.subarray(0, 32 * k));
  });

  test('cholesky_panel makes the columns of a block above it, and puts them into the pivot', async () => {
    const pivot = new Float32Array(k * 32);
    pivot.set(Float32Array.from(inverse(0)));
    const made = await runKernel(gpu, choleskyPanel, { start: 0, first, rows }, { a: panel, pivot });
    const expected = gemm(
      Float64Array.from({ length: rows * 32 }, (_, i) => panel[Math.floor(i / 32) * k + (i % 32)]!),
      transpose(inverse(0), 32, 32),
      ...([rows, 32, 32] as const),
    );
    expectNmse(made.pivot.subarray(first * 32), expected, 1e-11);
    const columns = Float64Array.from(
      { length: rows * 32 },
      (_, i) => made.a[Math.floor(i / 32) * k + (i % 32)]!,
    );
    expectNmse(columns, expected, 1e-11);
  });

  test('cholesky_update subtracts the product of the columns of a block above it', async () => {
    const pivot = randomFloats(k * 32, 9);
    const { a } = await runKernel(gpu, choleskyUpdate, { start: 0, first, rows }, { a: panel, pivot });
    const lower = (value: (i: number, j: number) => number) =>
      Float64Array.from({ length: rows * k }, (_, at) => {
        const [i, j] = [first + Math.floor(at / k), at % k];
        return j <= i ? value(i, j) : 0;
      });
    const product = gemm(pivot, transpose(pivot, k, 32), k, k, 32);
    expectNmse(
      lower((i, j) => a[(i - first) * k + j]!),
      lower((i, j) => whole[i * k + j]! - (j < 32 ? 0 : product[i * k + j]!)),
      1e-12,
    );
  });
});

// Of X = J·U·J, whose panels have 128 rows and the rest.
test('factor_columns: the columns of U that blocks read', async () => {
  const k = 160;
  const x = randomFloats(k * k, 3);
  const jobs = Uint32Array.of(9, 9, 9, 9, 9, 9, 1, 32, 160, 0, 0, 0, 0, 0, 96, 0, 0, 0);
  let u: Float32Array<ArrayBuffer> = new Float32Array(2 * k * 256).fill(7);
  for (const [first, end] of [
    [0, 128],
    [128, 160],
  ] as const) {
    const panel = Float32Array.from(
      { length: (end - first) * end },
      (_, i) => x[(first + Math.floor(i / end)) * k + (i % end)]!,
    );
    const scalars = { k, first, rows: end - first, job: 1, jobCount: 2 };
    ({ u } = await runKernel(gpu, factorColumns, scalars, { x: panel, jobs, u }));
  }
  const expected = new Float32Array(2 * k * 256).fill(7);
  for (const [candidate, start, end] of [
    [1, 32, 160],
    [0, 0, 96],
  ] as const) {
    for (let i = 0; i < end; i++) {
      for (let r = start; r < end; r++) {
        const isThere = Math.floor(r / 32) >= Math.floor(i / 32);
        expected[(candidate * k + i) * 256 + r - start] = isThere ? x[(k - 1 - i) * k + k - 1 - r]! : 0;
      }
    }
  }
  expectExact(u, expected);
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
