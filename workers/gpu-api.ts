/** What the coordinator and its GPU worker say to each other. */

import type { MixChoice } from '../src/calibrate/mix/mix-plan.ts';
import type { Metrics } from '../src/evaluate/metrics.ts';
import type { TextRequest } from '../src/inference/text-request.ts';
import type { AllocationEvent, ConvertEvent, OutputEvent } from '../src/job/events.ts';
import type { ConvertSettings } from '../src/job/settings.ts';
import type { ModelSource, OutputTarget } from './api/folders.ts';
import type { GpuChoice, GpuFacts } from './api/gpu.ts';
import type { TextEvent } from './api/texts.ts';
import type { Rates } from './rates.ts';
import type { LockHolder } from './supervised-worker.ts';

/** One run of the engine: a measurement, or one bitrate. */
export interface GpuJob {
  readonly id: string;
  readonly source: ModelSource;
  readonly modelName: string;
  readonly output: OutputTarget;
  /** Work directory in the browser's storage. */
  readonly work: string;
  readonly settings: ConvertSettings;
  readonly calibration: MixChoice & {
    readonly seed: number;
    /** The user's own, in the browser's storage. */
    readonly file?: string;
  };
  /** Of each worker. */
  readonly gpuBudgetBytes: number;
  /** Main memory of all workers; missing: without limit. */
  readonly memoryBudgetBytes?: number;
  /** The GPU of each worker but the first. */
  readonly otherGpus: readonly GpuChoice[];
  /** That the whole job takes, for the message when a disk is full. */
  readonly diskBytes: number;
}

/** What a run tells while it goes. */
export type RunMessage =
  | { readonly type: 'events'; readonly events: readonly ConvertEvent[] }
  | ({ readonly type: 'rates' } & Rates);

/** Answered when it has been taken, so that a run's last message comes before its end. */
export type RunListener = (message: RunMessage) => Promise<void> | void;

/** What a run ends with. */
export interface RunOutcome {
  readonly allocation?: AllocationEvent;
  readonly evaluation?: Metrics;
  readonly output?: OutputEvent;
}

/** A prompt for the original of a job, or for one of its outputs. */
export type GpuText = {
  readonly id: string;
  readonly request: TextRequest;
  readonly gpuBudgetBytes: number;
} & (
  | {
      readonly side: 'original';
      readonly source: ModelSource;
      /** What the output has written, where a run of the original takes long. */
      readonly draft?: readonly number[];
    }
  | {
      readonly side: 'quantized';
      readonly output: OutputTarget;
      readonly modelName: string;
      readonly bits: number;
    }
);

/** Answered when they have been taken, as with {@link RunListener}. */
export type GpuTextListener = (events: readonly TextEvent[]) => Promise<void> | void;

export interface GpuWorkerApi extends LockHolder {
  /** Throws UnsupportedError when there is no adapter that can be used. */
  facts(): Promise<GpuFacts>;
  /**
   * Ends with what `convert` throws, as an error of the same name. `listener` is a comlink proxy. A text under way is
   * stopped, and the memory of its models given back.
   */
  run(job: GpuJob, listener: RunListener): Promise<RunOutcome>;
  /** Of the run under way and, while paused, of the next one too. */
  pause(): void;
  unpause(): void;
  /** Ends the run under way with an AbortError. */
  cancel(): void;
  /** Continues a prompt; the model is kept for the next one. Ends with an AbortError when it is stopped. */
  write(text: GpuText, listener: GpuTextListener): Promise<void>;
  stopWriting(): Promise<void>;
  /** Stops, and gives the memory of the models back. */
  freeModels(): Promise<void>;
}
