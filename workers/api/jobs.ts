/** What is kept of conversions, and what they tell. */

import type { Metrics } from '../../src/evaluate/metrics.ts';
import type { AllocationEvent, ConvertEvent } from '../../src/job/events.ts';
import type { ModelFacts } from './model.ts';
import type { JobOptions, JobTimes } from './options.ts';

export type JobState =
  /** In the queue; it starts when those before it have ended. */
  | 'waiting'
  | 'running'
  | 'paused'
  /** Measured; waits for the user to choose. */
  | 'choosing'
  /** Stopped, or taken out of the queue, by a reload, a crash or a closed tab: can go on. */
  | 'interrupted'
  | 'failed'
  | 'cancelled'
  | 'done';

/** One bitrate's result. */
export interface TargetResult {
  readonly bits: number;
  readonly bitsPerWeight: number;
  readonly headBits: number;
  readonly bytes: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
  /** On calibration rows. */
  readonly perplexity: { readonly original: number; readonly quantized: number };
  /** Beside the original on held-out text; missing where that needed more GPU memory than there is. */
  readonly evaluation?: Metrics;
  /** Relative error of each module's output. */
  readonly rfnErrors: Readonly<Record<string, number>>;
  /** Relative error of each linear's own output, by module and name; missing in results of earlier versions. */
  readonly linearErrors?: Readonly<Record<string, number>>;
  /** Each expert's, where there are some: of these `linearErrors` has the root mean square. */
  readonly expertErrors?: Readonly<Record<string, readonly number[]>>;
  /** Calibration tokens of each expert, by module. */
  readonly expertTokens?: Readonly<Record<string, readonly number[]>>;
  readonly allocation: AllocationEvent;
}

export interface JobError {
  /** Of the error's class; `FullDiskError`: no room left to write, `PermissionError`: a folder is locked. */
  readonly name: string;
  readonly message: string;
}

/** A choice of the allocation: target and pinned modules. */
export interface AllocationRequest {
  readonly bits: number;
  /** Candidate of pinned modules, by key. */
  readonly pinned: Readonly<Record<string, number>>;
}

/** What is kept of a job; survives reloads. */
export interface JobRecord {
  readonly id: string;
  readonly modelName: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly changed: number;
  readonly state: JobState;
  /** It waits or is under way in another tab, which is the one to steer it. */
  readonly elsewhere?: true;
  /** Jobs with less of it come earlier in the queue; missing in records of earlier versions. */
  readonly queued?: number;
  /** As planned when it was made; missing in records of earlier versions. */
  readonly times?: JobTimes;
  /** Without `calibrationFile` and `measurement`, which are kept apart. */
  readonly options: JobOptions;
  /** Name of the user's own calibration file. */
  readonly calibrationName?: string;
  readonly model: ModelFacts;
  /** The model's files were chosen as a list, which the browser has forgotten: `resume` needs them again. */
  readonly sourceGone: boolean;
  /** The user's folder; empty: the browser's storage. */
  readonly outputName: string;
  /** Bitrates that it makes, in order; empty while the user is to choose. */
  readonly targets: readonly AllocationRequest[];
  /** Whether `measurement`, `measurementJson` and `allocate` have something to say. */
  readonly measured: boolean;
  /** Its events are kept from the start; missing in records of earlier versions. */
  readonly recorded?: true;
  /** Why it failed. */
  readonly error?: JobError;
  readonly results: readonly TargetResult[];
}

/** Error and bits of every candidate of a module. */
export interface MeasuredModule {
  readonly key: string;
  readonly candidates: readonly {
    readonly error: number;
    readonly bitsPerWeight: number;
    readonly totalBits: number;
    readonly description: string;
  }[];
}

/** What a job that has stopped goes on from. */
export interface KeptWork {
  /** Those that are measured, while not all of them are. */
  readonly modules: readonly MeasuredModule[];
  /** How many of the `parts` that modules are quantized in are done, of the next bitrate. */
  readonly quantized: number;
  readonly parts: number;
}

/** An allocation for a job, with the bytes that its output's weight files then take. */
export interface PlannedAllocation extends AllocationEvent {
  readonly outputBytes: number;
}

/** What a running job tells: its record when that changes, and the engine's events. */
export type JobUpdate =
  | { readonly type: 'record'; readonly record: JobRecord }
  | {
      readonly type: 'events';
      readonly id: string;
      /** The bitrate under way; not while it measures. */
      readonly bits?: number;
      readonly events: readonly ConvertEvent[];
    }
  /** Bytes per second read and written, calibration tokens per second, in the last seconds. */
  | {
      readonly type: 'rates';
      readonly id: string;
      readonly read: number;
      readonly written: number;
      readonly tokens: number;
    }
  | { readonly type: 'removed'; readonly id: string };
