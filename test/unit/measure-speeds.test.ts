import { afterEach, expect, test, vi } from 'vitest';
import { chooseVariants } from '../../src/autotune/choose-variants.ts';
import { measureFlops } from '../../src/autotune/measure-speeds.ts';
import { gemm } from '../../src/kernels/gemm/gemm.ts';
import { testGpu } from '../support/gpu.ts';
import { runKernel } from '../support/run-kernel.ts';

afterEach(() => void vi.restoreAllMocks());

/** For each of five sizes one, and three times at most a hundred of the last. */
const MOST_DISPATCHES = 5 + 3 * 100;

test('a plausible rate is measured with few dispatches, and all memory is given back', async () => {
  const gpu = await testGpu();
  const run = vi.spyOn(gpu, 'run');
  const rate = await measureFlops(gpu);
  // From a software adapter on a slow, busy machine to any GPU.
  expect(rate).toBeGreaterThan(1e6);
  expect(rate).toBeLessThan(1e15);
  expect(run.mock.calls.length).toBeLessThanOrEqual(MOST_DISPATCHES);
  expect(gpu.memory.used).toBe(0);
  gpu.destroy();
});

test('where the clock shows no time at all the rate is finite', async () => {
  const gpu = await testGpu();
  vi.spyOn(gpu, 'run').mockImplementation(() => {});
  vi.spyOn(performance, 'now').mockReturnValue(1);
  const rate = await measureFlops(gpu);
  expect(rate).toBeGreaterThan(0);
  expect(rate).toBeLessThan(Infinity);
  gpu.destroy();
});

test('choosing variants leaves nothing behind, and the product as it is', async () => {
  const gpu = await testGpu();
  await chooseVariants(gpu, 'mixed');
  expect(gpu.memory.used).toBe(0);
  const tensors = {
    a: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    b: new Float32Array(32).fill(1),
    c: new Float32Array(4),
  };
  const { c } = await runKernel(gpu, gemm, { m: 1, n: 4, k: 8, accumulate: 0 }, tensors);
  expect([...(c as Float32Array)]).toEqual([36, 36, 36, 36]);
  gpu.destroy();
});
