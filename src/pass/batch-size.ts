import type { Gpu } from '../gpu/gpu.ts';
import type { Emit } from '../job/events.ts';
import type { HiddenStates } from '../model/gpu/states.ts';
import { modulesBySize } from '../model/sizes.ts';
import type { ModelPlan } from '../model/spec.ts';
import { OutOfMemoryError } from '../util/errors.ts';
import { trialBytes } from './activations.ts';

/** Share of the GPU memory budget that the activations of one batch may take. */
export const ACTIVATION_SHARE = 0.15;
/** More tokens in a batch gain nothing and make each dispatch longer. */
const MAX_TOKENS = 4096;

/** Calibration rows of `length` tokens that are run together, at least one. */
export function rowsPerBatch(gpu: Gpu, plan: ModelPlan, length: number): number {
  const row = Math.max(...modulesBySize(plan).map(({ module }) => trialBytes(module, length)));
  const bytes = Math.min(gpu.memory.budget * ACTIVATION_SHARE, gpu.memory.largestBuffer);
  return Math.max(1, Math.floor(Math.min(bytes / row, MAX_TOKENS / length)));
}

/**
 * Runs `work` with the largest batch that fits: when the GPU's memory does not suffice it frees what is pooled, moves
 * `states` to main memory or disk, or else halves the batch, and starts the work again. Until it is done, `work` must not
 * have changed what it reads.
 */
export async function withFittingBatch<T>(
  gpu: Gpu,
  size: number,
  what: string,
  states: readonly HiddenStates[],
  work: (batch: number) => Promise<T>,
  emit: Emit = () => {},
): Promise<T> {
  const adjusted = (change: string, reason: Error) =>
    emit({
      type: 'adjustment',
      message: `${what}: ${change}, as GPU memory does not suffice (${reason.message}).`,
    });
  for (let batch = size; ; ) {
    const { budget } = gpu.memory;
    try {
      return await work(batch);
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
      gpu.memory.trim();
      // A budget that the driver has just cut leads to other choices than before.
      const moved = await moveToHost(states);
      if (moved) adjusted('calibration states go to main memory or disk', error);
      if (moved || (batch === 1 && gpu.memory.budget < budget)) continue;
      if (batch === 1) throw tooLittleMemory(what, error);
      batch = Math.ceil(batch / 2);
      adjusted(`${batch} ${batch === 1 ? 'row' : 'rows'} at a time`, error);
    }
  }
}

/** Whether any of the states took GPU memory. */
async function moveToHost(states: readonly HiddenStates[]): Promise<boolean> {
  let moved = false;
  for (const each of states) moved = (await each.moveToHost()) || moved;
  return moved;
}

export const tooLittleMemory = (what: string, { message }: Error): OutOfMemoryError =>
  new OutOfMemoryError(
    `${message}. ${what} does not fit even with one calibration row at a time: give a larger GPU memory budget ` +
      '(--gpu-memory-budget; --dry-run shows the least), or calibrate with shorter rows.',
  );
