import { expect, test } from 'vitest';
import { measureFlops } from '../../src/convert/gpu-speed.ts';
import { testGpu } from '../support/gpu.ts';

test('a plausible rate is measured within seconds, and all memory is given back', async () => {
  const gpu = await testGpu();
  const started = performance.now();
  const rate = await measureFlops(gpu);
  // From a software adapter on a slow, busy machine to any GPU.
  expect(rate).toBeGreaterThan(1e6);
  expect(rate).toBeLessThan(1e15);
  expect(performance.now() - started).toBeLessThan(30_000);
  expect(gpu.memory.used).toBe(0);
  gpu.destroy();
});
