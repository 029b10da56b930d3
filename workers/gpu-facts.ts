import { defaultBudget, openGpu } from '../src/gpu/device.ts';
import { chooseVariants, measureFlops } from '../src/kernels/speed.ts';
import { openAdapter } from './adapter.ts';
import type { GpuFacts } from './api.ts';

/** Enough for the products that the speed is measured with. */
const SPEED_BUDGET = 2 ** 28;

/** What the GPU offers and how fast it is. Takes about a second. */
export async function gpuFacts(): Promise<GpuFacts> {
  const { adapter, name, software } = await openAdapter();
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const features = [...adapter.features].sort();
  const gpu = await openGpu(adapter, SPEED_BUDGET);
  try {
    await chooseVariants(gpu, 'f32');
    return {
      name,
      software,
      features,
      maxBufferBytes: Math.min(maxBufferSize, maxStorageBufferBindingSize),
      budgetBytes: defaultBudget(software),
      flopsPerSecond: await measureFlops(gpu),
    };
  } finally {
    gpu.destroy();
  }
}
