import { totalmem } from 'node:os';

/** Share of main memory that a conversion takes of itself: the system and other programs need the rest. */
const SHARE = 0.6;

/** Bytes of main memory to take where nothing else is said; calibration states beyond go to disk. */
export function defaultMemoryBudget(): number {
  // What a container may take; without one it is 0, or more than there is.
  const allowed = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return Math.floor(SHARE * Math.min(totalmem(), allowed));
}
