import { afterAll, describe, test } from 'vitest';
import { loadTransposed } from '../../src/kernels/load_weight/load_transposed.ts';
import { loadWeight } from '../../src/kernels/load_weight/load_weight.ts';
import { normalizeColumns } from '../../src/kernels/load_weight/normalize_columns.ts';
import { normalizeRows } from '../../src/reference/model-kernels/linear.ts';
import { f16ToF32Array } from '../../src/util/half.ts';
import { expectExact, expectUlps } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';
import { STORED, STORED_DTYPES } from '../support/stored-floats.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

describe.each(STORED_DTYPES)('load_weight from %s is exact', (dtype) => {
  const { source, values } = STORED[dtype];

  // A workgroup turns 32 × 32; columns past n are zero up to nPadded.
  test.each([
    [32, 1, 32],
    [32, 32, 32],
    [64, 31, 32],
    [96, 33, 64],
    [128, 344, 352],
    [32, 5, 7],
  ])('k %i, n %i padded to %i', async (k, n, nPadded) => {
    const file = source(n * k);
    const expected = values(file);
    const w = new Float32Array(k * nPadded).fill(Number.NaN);
    const contents = { source: new Uint32Array(file.buffer), w };
    const loaded = await runKernel(gpu, loadWeight[dtype], { k, n, nPadded }, contents);
    expectExact(
      loaded.w,
      w.map((_, i) => (i % nPadded < n ? expected[(i % nPadded) * k + Math.floor(i / nPadded)]! : 0)),
    );
  });
});

test('every half is loaded as its value', async () => {
  const file = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const contents = { source: new Uint32Array(file.buffer), w: new Float32Array(65536) };
  const { w } = await runKernel(gpu, loadWeight.F16, { k: 32, n: 2048, nPadded: 2048 }, contents);
  const expected = f16ToF32Array(file);
  expectExact(
    w,
    w.map((_, i) => expected[(i % 2048) * 32 + Math.floor(i / 2048)]!),
  );
});

describe.each(STORED_DTYPES)('load_transposed from %s is exact', (dtype) => {
  const { source, values } = STORED[dtype];

  test.each([
    [1, 2, 2],
    [32, 32, 32],
    [7, 6, 32],
    [96, 66, 96],
    // More workgroups than a grid's dimension holds.
    [65537, 62, 64],
  ])('k %i, n %i padded to %i', async (k, n, nPadded) => {
    const file = source(k * n);
    const expected = values(file);
    const w = new Float32Array(k * nPadded).fill(Number.NaN);
    const contents = { source: new Uint32Array(file.buffer), w };
    const loaded = await runKernel(gpu, loadTransposed[dtype], { k, n, nPadded }, contents);
    expectExact(
      loaded.w,
      w.map((_, i) => (i % nPadded < n ? expected[Math.floor(i / nPadded) * n + (i % nPadded)]! : 0)),
    );
  });
});

describe('normalize_columns', () => {
  test.each([
    [1, 1],
    [3, 63],
    [64, 64],
    [2048, 65],
    // As small and as large as halves can be.
    [33, 130, 1e-8],
    [33, 130, 1e3],
  ])('of %i rows, %i columns', async (k, n, scale = 1) => {
    const rows = randomFloats(n * k, 3).map((value) => value * scale);
    rows.subarray(0, k).fill(0);
    const w = Float32Array.from({ length: k * n }, (_, i) => rows[(i % n) * k + Math.floor(i / n)]!);
    const expected = normalizeRows(rows, k);
    const { w: own } = await runKernel(gpu, normalizeColumns, { k, n }, { w });
    // Root and division 5 ulps, and half of what a sum of k squares, each rounded, is off by.
    expectUlps(
      own,
      w.map((_, i) => expected[(i % n) * k + Math.floor(i / n)]!),
      6 + k / 4,
    );
  });
});
