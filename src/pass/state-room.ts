/**
 * Share of the GPU memory beyond what a stage cannot do without that goes to states; the rest lets it take more rows
 * and candidates at once.
 */
const STATES_SHARE = 2 / 3;

/** Bytes that states may take on a GPU with so much free memory. @param need what the stage needs beside them. */
export const stateRoomOnGpu = (available: number, need: number): number =>
  Math.max(0, available - need) * STATES_SHARE;
