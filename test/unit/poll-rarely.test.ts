import { expect, test, vi } from 'vitest';
import { openAdapter } from '../../src/cli/gpu.ts';
import { openGpu } from '../../src/gpu/device.ts';
import { gemm } from '../../src/kernels/gemm/gemm.ts';

const { adapter, software } = await openAdapter();

test.skipIf(!software)('Dawn looks for what a software adapter has finished once a millisecond', async () => {
  const gpu = await openGpu(adapter, 2 ** 26);
  const side = 512;
  const [a, b, c] = ['a', 'b', 'c'].map((name) => gpu.alloc([side, side], name));
  const look = vi.spyOn(globalThis, 'setImmediate');
  const started = performance.now();
  gpu.run(gemm, { m: side, n: side, k: side, accumulate: 0, a: a!, b: b!, c: c! });
  await gpu.sync();
  const milliseconds = performance.now() - started;
  expect(look.mock.calls.length).toBeGreaterThan(0);
  expect(look.mock.calls.length).toBeLessThan(milliseconds + 10);
  gpu.destroy();
});
