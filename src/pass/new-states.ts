import type { RowShape } from '../calibrate/rows.ts';
import { withEnoughMemory } from '../gpu/enough-memory.ts';
import type { StageContext } from '../job/context.ts';
import { HiddenStates } from '../model/gpu/states/states.ts';
import { StatesRoom } from '../model/gpu/states/states-room.ts';
import { keepsInputs } from '../model/sizes.ts';
import { shortageTo } from './batch-size.ts';
import { stateRoomOnGpu } from './state-room.ts';

/**
 * States of a stage, for each of `counts` rows. What stays on the GPU leaves the room that the stage needs, so that it
 * does not run out of memory in the middle of a module; nothing stays there where the driver refuses it.
 * @param need bytes that it needs beside them.
 */
export function newStates(
  { gpu, plan, stateStore: store, emit }: Pick<StageContext, 'gpu' | 'plan' | 'stateStore' | 'emit'>,
  need: number,
  { length }: Pick<RowShape, 'length'>,
  counts: readonly number[],
): Promise<HiddenStates[]> {
  const room = new StatesRoom();
  const make = (): HiddenStates[] => {
    let left = room.of(stateRoomOnGpu(gpu.memory.available, need));
    return counts.map((rows) => {
      const options = { room: left, store, keepsInputs: keepsInputs(plan) };
      const states = new HiddenStates(gpu, rows, length, plan.config.hiddenSize, options);
      left -= states.residentBytes;
      return states;
    });
  };
  const request = { what: 'the calibration states', movable: [room], tell: shortageTo(emit) };
  return withEnoughMemory(gpu, request, async () => {
    const made = gpu.memory.allOrNone(make);
    try {
      await gpu.sync();
      return made;
    } catch (error) {
      for (const states of made) await states.free();
      throw error;
    }
  });
}
