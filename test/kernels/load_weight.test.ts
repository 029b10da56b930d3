import { afterAll, describe, test } from 'vitest';
import { loadWeight } from '../../src/kernels/load_weight/load_weight.ts';
import { f16ToF32Array } from '../../src/util/half.ts';
import { expectExact } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
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
