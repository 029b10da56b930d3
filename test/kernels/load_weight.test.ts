import { afterAll, describe, test } from 'vitest';
import { loadWeight } from '../../src/kernels/pack/load_weight.ts';
import { bf16ToF32Array, f16ToF32Array } from '../../src/util/half.ts';
import { expectExact } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { randomIntegers } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

/** Finite 16-bit floats of either kind: their largest exponent is left out. */
const finite16 = (length: number): Uint16Array<ArrayBuffer> =>
  Uint16Array.from(randomIntegers(length, 0x8000, 1), (bits) => (bits % 0x7800) | ((bits & 1) << 15));

const FORMATS = {
  F32: {
    source: (length: number) => new Float32Array(finite16(length)),
    values: (source: Float32Array | Uint16Array) => source as Float32Array,
  },
  F16: {
    source: finite16,
    values: (source: Float32Array | Uint16Array) => f16ToF32Array(source as Uint16Array),
  },
  BF16: {
    source: finite16,
    values: (source: Float32Array | Uint16Array) => bf16ToF32Array(source as Uint16Array),
  },
} as const;

describe.each(['F32', 'F16', 'BF16'] as const)('load_weight from %s is exact', (dtype) => {
  const { source, values } = FORMATS[dtype];

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
