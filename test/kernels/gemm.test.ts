import { afterAll, describe, expect, test } from 'vitest';
import { differenceOfGrams, differenceOfProducts } from '../../src/autotune/agreement.ts';
import { gemm, gemmMixed } from '../../src/kernels/gemm/gemm.ts';
import { gemmLarge } from '../../src/kernels/gemm/gemm_large.ts';
import { gemmSplitK, splitOf } from '../../src/kernels/gemm/gemm_split_k.ts';
import { gemmSubgroupMatrix } from '../../src/kernels/gemm/gemm_subgroup_matrix.ts';
import { gemmTiled } from '../../src/kernels/gemm/gemm_tiled.ts';
import { gemmWide } from '../../src/kernels/gemm/gemm_wide.ts';
import { sumParts } from '../../src/kernels/gemm/sum_parts.ts';
import { gram, gramMixed } from '../../src/kernels/gram/gram.ts';
import { gramSubgroupMatrix } from '../../src/kernels/gram/gram_subgroup_matrix.ts';
import { gramTiled } from '../../src/kernels/gram/gram_tiled.ts';
import * as reference from '../../src/reference/linalg/product.ts';
import { expectNmse } from '../support/compare.ts';
import { fitsWideGemm, testGpu } from '../support/gpu.ts';
import { randomFloats } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

// f32 sums in order: the relative error of one grows like sqrt(k)·2⁻²⁴, squared about k·4e-15.
const SUM_NMSE = 1e-12;

const wide = fitsWideGemm(gpu) ? [gemmWide] : [];

// An invocation makes 8 × 8, a workgroup 128 × 32; the last is a gate projection, scaled down.
describe.each([gemm, gemmLarge, gemmTiled, ...wide])('$name', (kernel) => {
  test.each([
    [1, 4, 8],
    [1, 32, 8],
    [7, 8, 8],
    [9, 36, 16],
    [127, 132, 24],
    [129, 36, 8],
    [13, 68, 120],
    [40, 344, 128],
    [300, 140, 16],
  ])('%i × %i over %i', async (m, n, k) => {
    const a = randomFloats(m * k, 1);
    const b = randomFloats(k * n, 2);
    const c = randomFloats(m * n, 3);
    const product = reference.gemm(a, b, m, n, k);
    const written = await runKernel(gpu, kernel, { m, n, k, accumulate: 0 }, { a, b, c });
    expectNmse(written.c, product, SUM_NMSE);
    const added = await runKernel(gpu, kernel, { m, n, k, accumulate: 1 }, { a, b, c });
    expectNmse(
      added.c,
      product.map((value, i) => value + c[i]!),
      SUM_NMSE,
    );
  });
});

describe('gemm_split_k and sum_parts', () => {
  test.each([
    [1, 4, 8, 8],
    [128, 36, 64, 24],
    [33, 132, 120, 32],
    [130, 140, 40, 40],
  ])('%i × %i over %i in parts of %i', async (m, n, k, depth) => {
    const [a, b] = [randomFloats(m * k, 1), randomFloats(k * n, 2)];
    a[0] = 1e4;
    const parts = Math.ceil(k / depth);
    const args = { m, n, k, depth, parts };
    const { c } = await runKernel(gpu, gemmSplitK, args, { a, b, c: new Float32Array(parts * m * n) });
    for (let part = 0; part < parts; part++) {
      const [start, end] = [part * depth, Math.min(k, (part + 1) * depth)];
      const left = Float32Array.from({ length: m * (end - start) }, (_, i) => {
        return a[Math.floor(i / (end - start)) * k + start + (i % (end - start))]!;
      });
      const expected = reference.gemm(left, b.subarray(start * n, end * n), m, n, end - start);
      expectNmse(c.subarray(part * m * n, (part + 1) * m * n), expected, SUM_NMSE);
    }
    const { y } = await runKernel(
      gpu,
      sumParts,
      { count: m * n, parts },
      { x: c, y: new Float32Array(m * n) },
    );
    expectNmse(y, reference.gemm(a, b, m, n, k), SUM_NMSE);
  });

  test('products with few tiles are split, by their shape', () => {
    expect(splitOf(128, 4096, 14336)).toEqual({ depth: 1792, parts: 8 });
    expect(splitOf(128, 14336, 4096)).toEqual({ depth: 2048, parts: 2 });
    expect(splitOf(128, 2048, 2048)).toEqual({ depth: 512, parts: 4 });
    expect(splitOf(4096, 4096, 4096)).toEqual({ depth: 4096, parts: 1 });
    expect(splitOf(128, 256, 688)).toEqual({ depth: 688, parts: 1 });
  });
});

// Software adapters have no matrix units; a GPU that has them compares the kernel with gemm before it uses it.
describe.skipIf(!gpu.hasMatrixUnits)('gemm_subgroup_matrix, on matrix units', () => {
  test.each([
    [16, 16, 16],
    [16, 32, 48],
    [144, 160, 64],
    [240, 352, 128],
  ])('%i × %i over %i', async (m, n, k) => {
    const [a, b, c] = [randomFloats(m * k, 1), randomFloats(k * n, 2), randomFloats(m * n, 3)];
    a[0] = 6e4;
    const product = reference.gemm(a, b, m, n, k);
    for (const accumulate of [0, 1]) {
      const { c: actual } = await runKernel(gpu, gemmSubgroupMatrix, { m, n, k, accumulate }, { a, b, c });
      // Both factors are rounded to 11 bits: relative errors of 2⁻¹² at most, 1.4e-4 each in the mean.
      expectNmse(
        actual,
        product.map((value, i) => value + accumulate * c[i]!),
        1e-7,
      );
    }
  });
});

test('matrix units are only used where the kernels build; trying leaves no failure behind', async () => {
  expect(await gpu.accepts(gemmSubgroupMatrix)).toBe(gpu.hasMatrixUnits);
  expect(await gpu.accepts(gramSubgroupMatrix)).toBe(gpu.hasMatrixUnits);
  expect(await gpu.accepts(gemm)).toBe(true);
  await gpu.sync();
});

describe('a kernel is compared with the exact one', () => {
  /** Leaves out the last four of 256 steps. */
  const short = <K extends { name: string; wgsl: string }>(kernel: K, steps: string): K => ({
    ...kernel,
    name: `short ${kernel.name}`,
    wgsl: kernel.wgsl.replaceAll(`< ${steps}`, `< ${steps} - 4u`),
  });

  test('products', async () => {
    expect(await differenceOfProducts(gpu, gemm, gemmMixed)).toBe(0);
    for (const kernel of [gemmTiled, ...wide])
      expect(await differenceOfProducts(gpu, gemm, kernel)).toBeLessThan(1e-5);
    expect(await differenceOfProducts(gpu, gemm, short(gemm, 'k4'))).toBeGreaterThan(2e-3);
  });

  test('sums of xᵀx', async () => {
    expect(await differenceOfGrams(gpu, gram, gramMixed)).toBe(0);
    expect(await differenceOfGrams(gpu, gram, short(gram, 's.m'))).toBeGreaterThan(2e-3);
  });
});

test('gemm of no rows does nothing', async () => {
  const c = randomFloats(4, 3);
  const a = randomFloats(4, 1);
  const b = randomFloats(16, 2);
  expect(await runKernel(gpu, gemm, { m: 0, n: 4, k: 4, accumulate: 0 }, { a, b, c })).toEqual({ c });
});

// An invocation makes 8 × 8, a workgroup 128 × 32, or 128 × 128.
describe.each([gram, gramTiled])('$name', (kernel) => {
  test.each([
    [1, 8],
    [3, 32],
    [17, 40],
    [5, 120],
    [64, 128],
    [7, 136],
    [9, 264],
  ])('of %i tokens, k %i, adds to the lower triangle, in panels', async (m, k) => {
    const x = randomFloats(m * k, 4);
    const before = randomFloats(k * k, 5);
    const product = reference.gram(x, m, k);
    for (let start = 0; start < k; start += 128) {
      const end = Math.min(k, start + 128);
      const rows = end - start;
      const at = (i: number) => (start + Math.floor(i / end)) * k + (i % end);
      const panel = Float32Array.from({ length: rows * end }, (_, i) => before[at(i)]!);
      const { h } = await runKernel(gpu, kernel, { m, k, start, rows }, { x, h: panel });
      const lower = (value: (i: number) => number): number[] =>
        Array.from({ length: rows * end }, (_, i) => (i % end <= start + Math.floor(i / end) ? value(i) : 0));
      expectNmse(
        lower((i) => h[i]!),
        lower((i) => product[at(i)]! + before[at(i)]!),
        SUM_NMSE,
      );
    }
  });
});
