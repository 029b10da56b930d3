import { openAdapter } from '../../src/cli/gpu.ts';
import { openGpu } from '../../src/gpu/device.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';

/** A device on whatever adapter this machine has; a machine without one fails the test, it does not skip it. */
export async function testGpu(budget = 2 ** 30): Promise<Gpu> {
  const { adapter } = await openAdapter();
  return openGpu(adapter, budget);
}
