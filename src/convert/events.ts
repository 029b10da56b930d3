/** What a conversion reports while it works: one union that the command line, the page and the log read. */

export type StageName = 'calibrate' | 'measure' | 'optimize' | 'quantize' | 'compile';

export interface StageEvent {
  readonly type: 'stage';
  readonly stage: StageName;
  /** `reused`: the artefact of an earlier run with the same inputs is taken. */
  readonly state: 'started' | 'done' | 'reused';
  readonly seconds?: number;
}

/** Work done inside a stage, in `unit`s; time left follows from the rate. */
export interface ProgressEvent {
  readonly type: 'progress';
  readonly stage: StageName;
  readonly done: number;
  readonly total: number;
  readonly unit: string;
  /** What is under way, e.g. `model.layers.3.mlp`. */
  readonly detail: string;
}

/** One candidate of one module has been tried. */
export interface TrialEvent {
  readonly type: 'trial';
  readonly module: string;
  readonly candidate: number;
  readonly accuracy: number;
  readonly bitsPerWeight: number;
}

/** One linear is quantized, packed and verified. */
export interface LinearEvent {
  readonly type: 'linear';
  readonly key: string;
  readonly bitsPerWeight: number;
}

/** A module is finished in a stage. `rfnError` only in `quantize`. */
export interface ModuleEvent {
  readonly type: 'module';
  readonly stage: 'measure' | 'quantize';
  readonly key: string;
  readonly index: number;
  readonly count: number;
  readonly bitsPerWeight?: number;
  readonly rfnError?: number;
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

export interface WarningEvent {
  readonly type: 'warning';
  readonly message: string;
}

export interface MemoryEvent {
  readonly type: 'memory';
  readonly gpuBytes: number;
  readonly gpuPeakBytes: number;
  readonly gpuBudgetBytes: number;
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
  /** The output's files at the target. */
  readonly outputBytes: number;
  readonly gpuBytes: number;
  readonly memoryBytes: number;
  /** Work directory and output together. */
  readonly diskBytes: number;
}

export type ConvertEvent =
  | StageEvent
  | ProgressEvent
  | TrialEvent
  | LinearEvent
  | ModuleEvent
  | AllocationEvent
  | PerplexityEvent
  | WarningEvent
  | MemoryEvent
  | PlanEvent
  | OutputEvent;

export type Emit = (event: ConvertEvent) => void;
