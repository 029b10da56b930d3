import type { Precision } from '../autotune/precision.ts';
import type { RowShape } from '../calibrate/rows.ts';
import type { Metrics } from '../evaluate/metrics.ts';
import type { ModelSummary } from './model-summary.ts';
import type { StageName } from './stages.ts';

/** What a conversion reports while it works: one union that the command line, the page and the log read. */

/** What is converted, and on what. */
export interface StartEvent {
  readonly type: 'start';
  readonly model: ModelSummary;
  /** Missing where nothing is computed, in a dry run. */
  readonly gpu?: {
    readonly name: string;
    /** Computes on the CPU. */
    readonly software: boolean;
    readonly budgetBytes: number;
    /** Goes on from the budget, e.g. ` of 24.0 GiB, found by nvidia-smi`. */
    readonly budgetWhy?: string;
    /** What is used: without matrix units it is f32, whatever was asked for. */
    readonly precision: Precision;
  };
  /** Asked for, of the attention and MLP modules. */
  readonly bitsPerWeight: number;
  readonly headBits: number;
}

export interface StageEvent {
  readonly type: 'stage';
  readonly stage: StageName;
  /** `reused`: the artefact of an earlier run with the same inputs is taken. */
  readonly state: 'started' | 'done' | 'reused';
  readonly seconds?: number;
}

/** Work done inside a stage, in whole `unit`s; time left follows from the rate. */
export interface ProgressEvent {
  readonly type: 'progress';
  readonly stage: StageName;
  readonly done: number;
  readonly total: number;
  readonly unit: 'weights' | 'bytes' | 'steps';
  /** What is under way, e.g. `model.layers.3.mlp`. */
  readonly detail: string;
}

/** What a candidate of a module costs. */
export interface TrialEvent {
  readonly type: 'trial';
  readonly module: string;
  readonly candidate: number;
  /** Of the module's output: see relative-error.ts. */
  readonly error: number;
  readonly bitsPerWeight: number;
  /** Parameters of its linears, as in {@link AllocationEvent}. */
  readonly description: string;
  /** It was not tried; its error follows from the module's trials. */
  readonly predicted: boolean;
}

/** One linear is quantized, packed and verified; now, or in an earlier, interrupted run. */
export interface LinearEvent {
  readonly type: 'linear';
  /** What its packed tensors' names start with. */
  readonly key: string;
  /** What it is part of in measurement.json, and its parameters' name there; not of the head. */
  readonly choice?: string;
  readonly name?: string;
  /** Its expert's number. */
  readonly expert?: number;
  readonly bitsPerWeight: number;
  /**
   * Relative error of X·Q to X·W, without bias, of the weight W and the quantized one Q: over about 256 tokens X of
   * the linear's calibration inputs, the last ones of each row. Not of the head.
   */
  readonly error?: number;
}

/** A module is finished in a stage. `rfnError` and `expertTokens` only in `quantize`. */
export interface ModuleEvent {
  readonly type: 'module';
  readonly stage: 'measure' | 'quantize';
  readonly key: string;
  /** What it is one of several parts of in measurement.json. */
  readonly choice?: string;
  readonly index: number;
  readonly count: number;
  readonly bitsPerWeight?: number;
  readonly rfnError?: number;
  /** Calibration tokens of each of its experts, in their order. */
  readonly expertTokens?: readonly number[];
  readonly seconds: number;
  /** Taken from an earlier, interrupted run. */
  readonly resumed: boolean;
}

export interface AllocationEvent {
  readonly type: 'allocation';
  readonly modules: readonly {
    readonly key: string;
    readonly candidate: number;
    readonly totalBits: number;
    readonly bitsPerWeight: number;
    readonly error: number;
    readonly description: string;
  }[];
  readonly bitsPerWeight: number;
  readonly budgetBits: number;
  readonly usedBits: number;
  readonly sumError: number;
  readonly maxError: number;
  readonly sumLogError: number;
}

export interface PerplexityEvent {
  readonly type: 'perplexity';
  readonly model: 'original' | 'quantized';
  readonly value: number;
  readonly tokens: number;
}

/** The original on text that it is not calibrated with, before the work starts. */
export interface ReferenceEvent {
  readonly type: 'reference';
  readonly perplexity: number;
  readonly tokens: number;
}

/** The written output beside the original, on text that was not used for calibration. */
export interface EvaluationEvent {
  readonly type: 'evaluation';
  readonly measures: Metrics;
}

export interface WarningEvent {
  readonly type: 'warning';
  readonly message: string;
}

/** Less is taken at once than was meant, as memory does not suffice: what, and why. */
export interface AdjustmentEvent {
  readonly type: 'adjustment';
  readonly message: string;
}

/** Of the worker that leads. */
export interface MemoryEvent {
  readonly type: 'memory';
  readonly gpuBytes: number;
  readonly gpuPeakBytes: number;
  readonly gpuBudgetBytes: number;
  /** Of calibration states beside those on the GPU. */
  readonly states: {
    readonly memoryBytes: number;
    /** What the budget leaves to them of main memory; missing: there is none. */
    readonly memoryRoomBytes?: number;
    readonly diskBytes: number;
  };
}

/** One of those that share a conversion's work, each with a device of its own. */
export interface WorkerStatus {
  /** The same over the whole conversion. */
  readonly id: number;
  /** Name of its adapter. */
  readonly adapter: string;
  /** In words, e.g. `measures model.layers.3.mlp`, `waits` or `lost`. */
  readonly doing: string;
  /** Share of the time since the start in which it worked, 0 to 1. */
  readonly busy: number;
  /** GPU memory that it holds. */
  readonly memoryBytes: number;
  /** Floating-point operations per second, once measured. */
  readonly speed?: number;
}

/** All workers, about once a second. */
export interface WorkersEvent {
  readonly type: 'workers';
  readonly workers: readonly WorkerStatus[];
}

export interface OutputEvent {
  readonly type: 'output';
  readonly directory: string;
  readonly bytes: number;
  /** Average over the attention and MLP linears. */
  readonly bitsPerWeight: number;
  readonly headBits: number;
  readonly files: readonly string[];
}

/** Where a worker's calibration states will be, of the stage that has most of them. */
export interface StatesPlan {
  readonly gpuBytes: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** That all stages take at most to read and write those on disk, at 1 GB/s. */
  readonly diskSeconds: number;
}

/** What a conversion would do and need, from the headers alone (`--dry-run`). */
export interface PlanEvent {
  readonly type: 'plan';
  readonly modules: readonly {
    readonly key: string;
    readonly weights: number;
    /** `total_bits` of each candidate; of the head: one. */
    readonly candidateBits: readonly number[];
  }[];
  readonly bitsPerWeight: number;
  /** What the candidates allow. */
  readonly possibleBitsPerWeight: { readonly least: number; readonly most: number };
  /** The output's files at the target, at most. */
  readonly outputBytes: number;
  readonly outputParts: {
    /** Attention and MLP modules, and the headers of the weight files. */
    readonly modules: number;
    readonly head: number;
    /** Tensors that stay f16. */
    readonly stored: number;
    /** Files that are copied, report and card. */
    readonly copied: number;
  };
  readonly calibration: { readonly measurement: RowShape; readonly quantization: RowShape };
  /** GPU memory budget to give at least: one calibration row and one candidate at a time. */
  readonly gpuBytes: number;
  /** What a conversion here would take at most, and why; missing where there is no GPU. */
  readonly gpuBudget?: { readonly bytes: number; readonly why: string };
  /** The largest single buffer among it, which GPUs limit too. */
  readonly gpuBufferBytes: number;
  /** Main memory of a worker, with the states that are in it. An adapter in software takes `gpuBytes` on top. */
  readonly memoryBytes: number;
  readonly states: StatesPlan;
  /** Work directory, with the states of all workers that are on disk, and output together. */
  readonly diskBytes: number;
  /** All values of the weights have been looked at, and fit; missing where they are too many for a plan. */
  readonly weightsChecked?: true;
}

export type ConvertEvent =
  | StartEvent
  | StageEvent
  | ProgressEvent
  | TrialEvent
  | LinearEvent
  | ModuleEvent
  | AllocationEvent
  | PerplexityEvent
  | ReferenceEvent
  | EvaluationEvent
  | WarningEvent
  | AdjustmentEvent
  | MemoryEvent
  | WorkersEvent
  | PlanEvent
  | OutputEvent;

export type Emit = (event: ConvertEvent) => void;
