/** What page and learn worker say to each other. */

import type { BitWidth } from '../../src/exl2/params.ts';
import type { RulerData } from '../../src/learn/data/ruler-data.ts';
import type { StoredMeasurement, StoredOutputs } from '../../src/learn/data/stored-lessons.ts';
import type { SweepData, SweepSettings } from '../../src/learn/data/sweep-data.ts';
import type { TextData } from '../../src/learn/data/text-data.ts';
import type { TrapCurve } from '../../src/learn/data/trap-data.ts';

/** Computes lessons on the CPU. Every call throws InputError when a file cannot be fetched. */
export interface LearnApi {
  /** Throws InputError for an empty text. */
  read(text: string): Promise<TextData>;
  ruler(bits: BitWidth, groupSize: number): Promise<RulerData>;
  sweep(text: string, settings: SweepSettings): Promise<SweepData>;
  /** `onCurve` is a comlink proxy, called with each point more. */
  trap(onCurve: (curve: TrapCurve) => Promise<void> | void): Promise<void>;
  measurement(): Promise<StoredMeasurement>;
  /** The candidate of each module that the solver takes at so many bits per weight. */
  share(bits: number): Promise<readonly number[]>;
  outputs(): Promise<StoredOutputs>;
}
