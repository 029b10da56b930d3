import { type Budget, chooseBudget, heapMemory } from '../src/autotune/budget.ts';
import { chooseVariants } from '../src/autotune/choose-variants.ts';
import { f32Speed } from '../src/autotune/measure-speeds.ts';
import { openGpu } from '../src/gpu/device.ts';
import { OutOfMemoryError } from '../src/util/errors.ts';
import { openAdapter } from './adapter.ts';
import type { GpuChoice, GpuFacts } from './api/gpu.ts';
import { keptSpeeds } from './kept-speeds.ts';

/** Enough for the products that the speed is measured with. */
const SPEED_BUDGET = 2 ** 28;

/** What the GPU offers and how fast it is. Takes about a second when that is not known from an earlier visit. */
export async function gpuFacts(choice: GpuChoice): Promise<GpuFacts> {
  const { adapter, name, software } = await openAdapter(choice);
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const features = [...adapter.features].sort();
  const gpu = await openGpu(adapter, SPEED_BUDGET);
  try {
    const speeds = await chooseVariants(gpu, 'mixed', keptSpeeds);
    if (!speeds) throw new OutOfMemoryError(NO_MEMORY);
    return {
      name,
      software,
      features,
      maxBufferBytes: Math.min(maxBufferSize, maxStorageBufferBindingSize),
      budgetBytes: (await pageBudget(gpu.device.adapterInfo, software)).bytes,
      flopsPerSecond: f32Speed(speeds),
      matrixFlopsPerSecond: speeds.subgroupMatrix,
    };
  } finally {
    gpu.destroy();
  }
}

/** What jobs take unless they are told otherwise. */
export const pageBudget = (info: GPUAdapterInfo, software: boolean): Promise<Budget> =>
  chooseBudget({ info, software, store: keptSpeeds, find: async () => heapMemory(info) });

const NO_MEMORY =
  'The GPU has no memory left, not even for a trial of its speed: close other programs that use it, and reload the page.';
