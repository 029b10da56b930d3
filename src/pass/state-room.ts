import type { Gpu } from '../gpu/gpu.ts';
import type { HiddenStates } from '../model/gpu/states/states.ts';

/**
 * Share of the GPU memory beyond what a stage cannot do without that goes to states; the rest lets it take more rows
 * and candidates at once.
 */
const STATES_SHARE = 2 / 3;

/** Bytes that states may take on a GPU with so much free memory. @param need what the stage needs beside them. */
export const stateRoomOnGpu = (available: number, need: number): number =>
  Math.max(0, available - need) * STATES_SHARE;

/** Moves states to main memory or the file until `need` bytes are free on the GPU, or none is there any more. */
export async function leaveRoom(
  { memory }: Gpu,
  need: number,
  states: readonly HiddenStates[],
): Promise<void> {
  for (const each of states) {
    const missing = need - memory.available;
    if (missing > 0) await each.moveToHost(missing);
  }
}
