import { learnBudget } from '../src/autotune/budget.ts';
import { openGpu } from '../src/gpu/device.ts';
import type { Gpu } from '../src/gpu/gpu.ts';
import { openAdapter } from './adapter.ts';
import type { GpuChoice } from './api/gpu.ts';
import type { GpuJob } from './gpu-api.ts';
import { pageBudget } from './gpu-facts.ts';
import { keptSpeeds } from './kept-speeds.ts';

export interface JobGpu {
  readonly gpu: Gpu;
  readonly name: string;
  /** Computes on the CPU. */
  readonly software: boolean;
}

let kept: { readonly id: string; readonly budget: number; readonly opened: JobGpu } | undefined;

/**
 * Runs `work` on a device that the job's next run takes over with its pipelines, as compiling them takes seconds. After
 * a failure the next run gets a new one.
 */
export async function withJobGpu<T>(
  choice: GpuChoice,
  { id, gpuBudgetBytes: budget }: GpuJob,
  work: (opened: JobGpu) => Promise<T>,
): Promise<T> {
  if (kept?.id !== id || kept.budget !== budget) drop();
  kept ??= { id, budget, opened: await openJobGpu(choice, budget) };
  const { opened } = kept;
  try {
    const result = await work(opened);
    opened.gpu.memory.trim();
    return result;
  } catch (error) {
    drop();
    throw error;
  } finally {
    await learn(opened, budget);
  }
}

/** Of a job that was told no other budget than any. */
async function learn({ gpu: { device, memory }, software }: JobGpu, budget: number): Promise<void> {
  const usual = await pageBudget(device.adapterInfo, software);
  if (usual.bytes === budget) await learnBudget(keptSpeeds, device.adapterInfo, usual, memory);
}

async function openJobGpu(choice: GpuChoice, budget: number): Promise<JobGpu> {
  const { adapter, name, software } = await openAdapter(choice);
  return { gpu: await openGpu(adapter, budget), name, software };
}

function drop(): void {
  kept?.opened.gpu.destroy();
  kept = undefined;
}
