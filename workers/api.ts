/**
 * What the page and its workers say to each other. Everything is structured-cloneable, so comlink passes it as it is.
 *
 * The page talks to the coordinator alone. The coordinator owns the jobs: their records, the allocation, restarts.
 * It starts a GPU worker that owns adapter and device, reads the model and writes the output itself.
 *
 * Errors arrive with name and message; the message says what to do. What workers lack is the page's part: asking for
 * permissions, `navigator.storage.persist()`, the wake lock.
 */

import type { Precision } from '../src/autotune/precision.ts';
import type { Measures } from '../src/evaluate/measures.ts';
import type { BitWidth } from '../src/exl2/params.ts';
import type { QuantizerMethod } from '../src/gptq/method.ts';
import type { TextRequest } from '../src/inference/text-request.ts';
import type { AllocationEvent, ConvertEvent } from '../src/job/events.ts';
import type { TextListener } from './text-api.ts';

/** Where a model comes from. */
export type ModelSource =
  | { readonly kind: 'demo' }
  | { readonly kind: 'handle'; readonly handle: FileSystemDirectoryHandle }
  /** From `<input webkitdirectory>` or a drop without handles; gone after a reload. */
  | { readonly kind: 'files'; readonly name: string; readonly files: readonly NamedFile[] };

export interface NamedFile {
  /** Relative to the chosen folder, with '/'. */
  readonly path: string;
  readonly file: File;
}

/** Where the output goes: a folder of the user's, or the browser's own storage. */
export type OutputTarget =
  | { readonly kind: 'handle'; readonly handle: FileSystemDirectoryHandle }
  | { readonly kind: 'storage' };

/** A linear of a module, for the grid. */
export interface LinearFacts {
  readonly name: string;
  readonly k: number;
  readonly n: number;
}

export interface ModuleFacts {
  readonly key: string;
  readonly kind: 'attention' | 'mlp';
  readonly layer: number;
  readonly weights: number;
  readonly linears: readonly LinearFacts[];
}

/** What was found in a model folder. */
export interface ModelFacts {
  readonly name: string;
  readonly architecture: string;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly parameters: number;
  /** Of the weights, e.g. `F16`. */
  readonly dtypes: readonly string[];
  /** Of the weight files. */
  readonly bytes: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly modules: readonly ModuleFacts[];
  /** Token ids that the tokenizer gives; they are below this. */
  readonly tokenizerSize: number;
  readonly warnings: readonly string[];
}

export interface GpuFacts {
  readonly name: string;
  /** Computes on the CPU: slow. */
  readonly software: boolean;
  readonly features: readonly string[];
  readonly maxBufferBytes: number;
  /** GPU memory that jobs may use unless told otherwise. */
  readonly budgetBytes: number;
  /** Of matrix products in f32, measured on this GPU. */
  readonly flopsPerSecond: number;
  /** The same on matrix units, which round to half precision; 0: there are none that can be used. */
  readonly matrixFlopsPerSecond: number;
}

/** By which browsers choose among the GPUs of a computer; where there is one, both mean that one. */
export type GpuChoice = 'high-performance' | 'low-power';

/** What the user asks for. */
export interface JobOptions {
  /** One output each, from one measurement. */
  readonly bits: readonly number[];
  readonly headBits: BitWidth;
  readonly quantizer: QuantizerMethod;
  /** Missing in jobs of earlier versions: mixed. */
  readonly precision?: Precision;
  readonly preset: 'quick' | 'standard';
  /** The user's own calibration data, instead of the built-in mix. */
  readonly calibrationFile?: File;
  /** measurement.json of an earlier job: nothing is measured. */
  readonly measurement?: unknown;
  /** Stop after measuring, to choose the allocation by hand. */
  readonly chooseAfterMeasuring: boolean;
  /** Of each GPU; its workers share it. */
  readonly gpuBudgetBytes: number;
  /** On each GPU; they share the job, each with a device of its own. Missing: one. */
  readonly workers?: number;
  /** That share the job; the first one leads. Missing: the fast one. */
  readonly gpus?: readonly [GpuChoice, ...GpuChoice[]];
  readonly seed: number;
}

/** Seconds that the parts of a job should take on its GPU. */
export interface JobTimes {
  readonly measure: number;
  /** Each bitrate. */
  readonly target: number;
}

/** The consequences of the options, before any work. */
export interface JobPlan {
  readonly outputBytes: readonly number[];
  readonly gpuBytes: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly times: JobTimes;
  readonly problems: readonly { readonly severe: boolean; readonly text: string }[];
}

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
  readonly evaluation?: Measures;
  /** Relative error of each module's output. */
  readonly rfnErrors: Readonly<Record<string, number>>;
  /** Relative error of each linear's own output, by its key; missing in results of earlier versions. */
  readonly linearErrors?: Readonly<Record<string, number>>;
  readonly allocation: AllocationEvent;
}

export interface JobError {
  /** Of the error's class; `FullDiskError`: no room left to write, `PermissionError`: a folder is locked. */
  readonly name: string;
  readonly message: string;
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

/** A choice of the allocation: target and pinned modules. */
export interface AllocationRequest {
  readonly bits: number;
  /** Candidate of pinned modules, by key. */
  readonly pinned: Readonly<Record<string, number>>;
}

export interface CoordinatorApi {
  /** Throws UnsupportedError with what to do when there is no WebGPU or no adapter. */
  gpu(): Promise<GpuFacts>;
  /** The low-power GPU, where that is another one. */
  secondGpu(): Promise<GpuFacts | undefined>;
  /**
   * Throws InputError or UnsupportedError that says what is wrong with the folder. Another model's inspection takes its
   * place: it ends with an AbortError then.
   */
  inspect(source: ModelSource): Promise<ModelFacts>;
  plan(source: ModelSource, options: JobOptions): Promise<JobPlan>;
  jobs(): Promise<JobRecord[]>;
  /**
   * Puts a job into the queue; its id comes back at once, the rest through `watch`. It begins when the jobs before it
   * on the same GPUs have ended, in whatever way; its folders must be permitted now, and are asked for again then.
   */
  start(source: ModelSource, output: OutputTarget, options: JobOptions): Promise<string>;
  /** Puts an interrupted, failed or cancelled job into the queue. `source` where the kept one is gone or not permitted. */
  resume(id: string, source?: ModelSource, output?: OutputTarget): Promise<void>;
  /** The handles that a job still needs permission for; the page asks, since workers can't. */
  handles(id: string): Promise<readonly { handle: FileSystemDirectoryHandle; mode: 'read' | 'readwrite' }[]>;
  pause(id: string): Promise<void>;
  unpause(id: string): Promise<void>;
  /** Stops the job or takes it out of the queue; what is finished stays and it can be resumed. */
  cancel(id: string): Promise<void>;
  /** Lets a waiting job change places with the one before it on one of its GPUs. */
  moveUp(id: string): Promise<void>;
  /** Removes a job and its work files; the output stays, unless it is in the browser's storage. */
  remove(id: string): Promise<void>;
  measurement(id: string): Promise<readonly MeasuredModule[]>;
  /** measurement.json as ExLlamaV2 has it. */
  measurementJson(id: string): Promise<unknown>;
  /** The allocation for a target, at once; nothing is started. */
  allocate(id: string, request: AllocationRequest): Promise<AllocationEvent>;
  /**
   * Puts a measured job into the queue, to be quantized by these choices one after the other. A bitrate that it has made already is made anew
   * when other modules are pinned, and else kept.
   */
  quantize(id: string, requests: readonly AllocationRequest[]): Promise<void>;
  /** Files of an output in the browser's storage. */
  outputFiles(id: string, bits: number): Promise<readonly NamedFile[]>;
  /**
   * Lets the original and then the output of `bits` continue a prompt; a text under way gives way. Resolves when both
   * have written or it was stopped; a model that cannot is told of through `listener`. Throws InputError while
   * conversions are under way or wait. The models stay on the GPU until `freeModels` or the next conversion.
   */
  write(id: string, bits: number, request: TextRequest, listener: TextListener): Promise<void>;
  /** Resolves when nothing is written any more. */
  stopWriting(): Promise<void>;
  freeModels(): Promise<void>;
  /** `listener` is a comlink proxy; called at most ten times a second for each job. */
  watch(listener: (update: JobUpdate) => void): Promise<void>;
}
