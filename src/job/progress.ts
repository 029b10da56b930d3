import { moduleWeights } from '../model/sizes.ts';
import type { ModuleSpec } from '../model/spec.ts';
import type { StageContext } from './context.ts';

/**
 * Progress over the modules (and the head, in `quantize`), each counted by its weights.
 * @param counted modules that count; the others are only run forward to get to them.
 * @returns to be called with a module's index and the share of it that is done, 0…1; without a share where a module
 * is only run forward to get to another.
 */
export function progressReporter(
  { plan, emit, gpu, stateStore }: StageContext,
  stage: 'measure' | 'quantize',
  counted: readonly ModuleSpec[] = plan.modules,
): (index: number, share?: number) => void {
  const sizes = plan.modules.map((module) => (counted.includes(module) ? moduleWeights(module) : 0));
  const names = plan.modules.map(({ key }) => key);
  if (stage === 'quantize') {
    sizes.push(plan.head.k * plan.head.n);
    names.push(plan.head.key);
  }
  const total = sizes.reduce((a, b) => a + b, 0);
  // Several may be under way at a time.
  const shares = sizes.map(() => 0);
  return (index, share) => {
    if (share !== undefined) shares[index] = share;
    const done = Math.round(sizes.reduce((sum, size, i) => sum + size * shares[i]!, 0));
    emit({ type: 'progress', stage, done, total, unit: 'weights', detail: names[index]! });
    const { used, peak, budget } = gpu.memory;
    const { memoryBytes, diskBytes, room } = stateStore;
    const states = { memoryBytes, diskBytes, ...(Number.isFinite(room) && { memoryRoomBytes: room }) };
    emit({ type: 'memory', gpuBytes: used, gpuPeakBytes: peak, gpuBudgetBytes: budget, states });
  };
}
