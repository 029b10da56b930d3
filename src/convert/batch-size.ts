import type { Gpu } from '../gpu/gpu.ts';
import type { ModelPlan } from '../model/plan.ts';
import { OutOfMemoryError } from '../util/errors.ts';

/** Share of the GPU memory budget that the activations of one batch may take. */
const ACTIVATION_SHARE = 0.15;
/** More tokens in a batch gain nothing and make each dispatch longer. */
const MAX_TOKENS = 4096;

/** Calibration rows of `length` tokens that are run together, at least one. */
export function rowsPerBatch(gpu: Gpu, plan: ModelPlan, length: number): number {
  const { hiddenSize, intermediateSize, heads, headDim } = plan.config;
  const widths = hiddenSize * 4 + Math.max(intermediateSize * 3, heads * headDim * 5);
  const bytes = Math.min(gpu.memory.budget * ACTIVATION_SHARE, gpu.device.limits.maxStorageBufferBindingSize);
  const tokens = Math.min(bytes / (widths * 4), MAX_TOKENS);
  return Math.max(1, Math.floor(tokens / length));
}

/**
 * Runs `work` with the largest batch that fits: when the GPU's memory does not suffice it frees what is pooled,
 * halves the batch and starts the work again. `work` must not have changed anything before it throws.
 */
export async function withFittingBatch<T>(
  gpu: Gpu,
  size: number,
  what: string,
  work: (batch: number) => Promise<T>,
): Promise<T> {
  for (let batch = size; ; batch = Math.ceil(batch / 2)) {
    try {
      return await work(batch);
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
      gpu.memory.trim();
      if (batch > 1) continue;
      throw new OutOfMemoryError(
        `${error.message}. ${what} does not fit even with one calibration row at a time: give a larger GPU memory budget, or calibrate with shorter rows.`,
      );
    }
  }
}
