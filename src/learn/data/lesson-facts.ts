/** What the lessons are about; page and worker both go by it. */

import type { BitWidth } from '../../exl2/params.ts';

/** The queries of one head of the first layer: outputs of q_proj, of 256. */
export const LESSON_LINEAR = { name: 'q_proj', outputs: 256, start: 96, end: 128 } as const;
/** The output that is followed from float to packed bits, among those. */
export const LESSON_COLUMN = 9;
/** As the finer settings of the engine have them. */
export const LESSON_GROUP = 32;
export const LESSON_BITS: BitWidth = 3;
/** A reader's text is cut there. */
export const MOST_TOKENS = 256;
/** Calibration tokens of the trap's points. */
export const TRAP_COUNTS = [64, 128, 256, 512, 1024, 2048, 4096, 8192, 12000] as const;
