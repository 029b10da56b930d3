import type { Precision } from '../autotune/precision.ts';
import type { BitWidth } from '../exl2/params.ts';
import type { QuantizerMethod } from '../gptq/method.ts';
import type { LayerRange } from '../job/layer-range.ts';
import type { JobArguments } from './arguments.ts';

export type Preset = 'quick' | 'standard';

/** What a conversion is asked to do. All paths are absolute. */
export interface CliOptions {
  readonly inDir: string;
  /** Where the finished model goes. */
  readonly outputDir: string;
  readonly workDir: string;
  readonly resume: boolean;
  readonly shardBytes: number;
  readonly bits: number;
  readonly headBits: BitWidth;
  readonly quantizer: QuantizerMethod;
  /** Undefined: by the preset. */
  readonly descentPasses?: number;
  readonly precision: Precision;
  /** Measurement file to take. */
  readonly measurement?: string;
  /** Measurement file to write; the job ends with it. */
  readonly outputMeasurement?: string;
  /** Measure these layers alone; with `outputMeasurement`. */
  readonly measureLayers?: LayerRange;
  /** Undefined: by the adapter. */
  readonly preset?: Preset;
  /** Undefined: the built-in mix. */
  readonly calDataset?: string;
  /** Rows and their tokens; undefined: by the preset. */
  readonly datasetRows?: number;
  readonly length?: number;
  readonly measurementRows?: number;
  readonly measurementLength?: number;
  readonly seed: number;
  readonly ropeScale?: number;
  readonly ropeAlpha?: number;
  /** Part of the adapter's name; undefined: the system's first. */
  readonly gpu?: string;
  /** Cards by number; undefined: the system's choice. */
  readonly gpus?: 'all' | readonly number[];
  /** Processes on each card. */
  readonly workers: number;
  readonly gpuMemoryBytes?: number;
  /** Main memory of all workers together; undefined: by the machine's. */
  readonly memoryBytes?: number;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** Several conversions that one command was asked for. */
export interface QueueOptions {
  readonly jobs: readonly QueueJob[];
  /** Undefined: one for each card. */
  readonly atATime?: number;
}

export interface QueueJob {
  /** Its output folder's name, e.g. `Qwen3-4B-4.0bpw`; no other job has it. */
  readonly name: string;
  readonly options: CliOptions;
  /** What a command for this job alone is given. */
  readonly given: JobArguments;
}

export type CliRequest =
  | { readonly action: 'help' }
  | { readonly action: 'version' }
  | { readonly action: 'list-gpus'; readonly json: boolean }
  | { readonly action: 'convert'; readonly options: CliOptions }
  | { readonly action: 'queue'; readonly queue: QueueOptions };

/** Where paths start. */
export interface Places {
  /** The user's relative paths. */
  readonly cwd: string;
  /** The repository: the bundled model, and `out/`. */
  readonly root: string;
}
