import type { RowShape } from '../calibrate/rows.ts';
import type { StageContext } from '../job/context.ts';
import { HiddenStates } from '../model/gpu/states.ts';
import { keepsInputs } from '../model/sizes.ts';

/**
 * Share of the GPU memory beyond what a stage cannot do without that goes to states; the rest lets it take more rows
 * and candidates at once.
 */
const STATES_SHARE = 2 / 3;

/**
 * States of a stage, for each of `counts` rows. What stays on the GPU leaves the room that the stage needs, so that it
 * does not run out of memory in the middle of a module.
 * @param need bytes that it needs beside them.
 */
export function newStates(
  { gpu, plan }: StageContext,
  need: number,
  { length }: Pick<RowShape, 'length'>,
  counts: readonly number[],
): HiddenStates[] {
  let room = Math.max(0, gpu.memory.available - need) * STATES_SHARE;
  return counts.map((rows) => {
    const options = { room, keepsInputs: keepsInputs(plan) };
    const states = new HiddenStates(gpu, rows, length, plan.config.hiddenSize, options);
    room -= states.residentBytes;
    return states;
  });
}
