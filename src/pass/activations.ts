/** GPU memory of the activations of one row of `t` tokens, the module's input among them. */

import { bufferBytes } from '../gpu/memory.ts';
import { countModule } from '../model/count.ts';
import type { ModuleSpec } from '../model/spec.ts';

const hiddenBytes = ({ norm }: ModuleSpec, t: number): number => bufferBytes(t * norm.size * 4);

/** run-rows.ts: a module is run, and what comes out compared. */
export const blockBytes = (module: ModuleSpec, t: number): number =>
  hiddenBytes(module, t) + Math.max(countModule(module, t, t).bytes, 2 * hiddenBytes(module, t));

/** trials.ts: candidates are run, and compared with the reference. */
export const trialBytes = (module: ModuleSpec, t: number): number =>
  2 * hiddenBytes(module, t) + countModule(module, t, t, true).bytes;
