import type { SpeedStore } from '../autotune/kept-speeds.ts';
import type { WorkerLink } from '../distribute/leader/api.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { ReadableDirectory, WritableDirectory } from '../io/bytes.ts';
import type { Control } from '../job/control.ts';
import type { Emit, StartEvent } from '../job/events.ts';
import type { CalibrationProvider, ConvertSettings } from '../job/settings.ts';
import type { OpenTokenizer } from '../tokenizer/tokenizer.ts';

/** A whole conversion: what to read, where to write, on what device. */
export interface ConvertJob {
  readonly gpu: Gpu;
  /** What `gpu` is, for whoever watches. */
  readonly adapter: Pick<NonNullable<StartEvent['gpu']>, 'name' | 'software' | 'budgetWhy'>;
  /** Keeps what was measured of it; otherwise that is measured at each start. */
  readonly speeds?: SpeedStore;
  readonly model: ReadableDirectory;
  readonly output: WritableDirectory;
  readonly work: WritableDirectory;
  readonly settings: ConvertSettings;
  readonly calibration: CalibrationProvider;
  readonly emit: Emit;
  readonly control: Control;
  /** Missing: where nothing but the host can end the tokenizer's work. */
  readonly openTokenizer?: OpenTokenizer;
  /** Main memory that all workers may take together; missing: without limit. Beyond it states go to disk. */
  readonly memoryBudget?: number | undefined;
  /** The other workers; this one leads them. */
  readonly remotes?: readonly WorkerLink[];
}
