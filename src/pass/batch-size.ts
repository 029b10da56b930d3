import { type TellShortage, withEnoughMemory } from '../gpu/enough-memory.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { StageContext } from '../job/context.ts';
import type { HiddenStates } from '../model/gpu/states/states.ts';
import { modulesBySize } from '../model/sizes.ts';
import type { ModelPlan } from '../model/spec.ts';
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

/** Does `work`, which calibration rows take part in, as {@link withEnoughMemory} does, and warns where that is short. */
export const withFittingBatch = <T>(
  { gpu, emit }: Pick<StageContext, 'gpu' | 'emit'>,
  size: number,
  what: string,
  states: readonly HiddenStates[],
  work: (batch: number) => Promise<T>,
): Promise<T> => withEnoughMemory(gpu, { what, size, movable: states, tell: shortageTo(emit) }, work);

/** Tells of what was short, and what was done about it. */
export const shortageTo =
  (emit: StageContext['emit']): TellShortage =>
  (message) =>
    emit({ type: 'adjustment', message });
