import type { RowShape } from '../calibrate/rows.ts';
import type { StageContext } from '../job/context.ts';
import { HiddenStates } from '../model/gpu/states.ts';
import { keepsInputs } from '../model/sizes.ts';
import { stateRoomOnGpu } from './state-room.ts';

/**
 * States of a stage, for each of `counts` rows. What stays on the GPU leaves the room that the stage needs, so that it
 * does not run out of memory in the middle of a module.
 * @param need bytes that it needs beside them.
 */
export function newStates(
  { gpu, plan, stateStore: store }: StageContext,
  need: number,
  { length }: Pick<RowShape, 'length'>,
  counts: readonly number[],
): HiddenStates[] {
  let room = stateRoomOnGpu(gpu.memory.available, need);
  return counts.map((rows) => {
    const options = { room, store, keepsInputs: keepsInputs(plan) };
    const states = new HiddenStates(gpu, rows, length, plan.config.hiddenSize, options);
    room -= states.residentBytes;
    return states;
  });
}
