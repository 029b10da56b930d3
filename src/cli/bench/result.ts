import type { KernelTime } from '../../gpu/profiler.ts';
import type { ByteCount } from '../../io/counted-directory.ts';
import type { ModuleEvent } from '../../job/events.ts';
import type { StageName } from '../../job/stages.ts';
import type { Ceilings } from './ceilings.ts';
import type { KernelResult } from './kernel-bench.ts';

/** Where the GPU's time went. */
export interface Profile {
  /** Of all kernels together. */
  readonly gpuSeconds: number;
  /** Share of the conversion in which no kernel ran. */
  readonly waitingShare: number;
  readonly ceilings: Ceilings;
  /** By stage (`section`) and kernel, the longest first. */
  readonly kernels: readonly KernelTime[];
}

/** What one conversion took. */
export interface BenchFindings {
  /** Making the random model, which is no part of the conversion. */
  readonly modelSeconds: number;
  /** The whole conversion. */
  readonly seconds: number;
  readonly stages: readonly { readonly stage: StageName; readonly seconds: number }[];
  readonly modules: readonly Pick<ModuleEvent, 'stage' | 'key' | 'seconds'>[];
  readonly memory: {
    /** Most GPU memory held, buffers that wait to be used again included. */
    readonly gpuPeakBytes: number;
    /** Most in use when a piece of work was done. */
    readonly gpuMostInUseBytes: number;
    readonly gpuBudgetBytes: number;
    /** Planned beforehand: the least budget that the conversion gets by with. */
    readonly gpuLeastBytes: number;
    /** Of this process. */
    readonly mainPeakBytes: number;
  };
  readonly io: Readonly<Record<'model' | 'work' | 'output', ByteCount>>;
  readonly warnings: readonly string[];
  /** What was done at once less than meant, for lack of memory. */
  readonly adjustments: readonly string[];
  /** With `--profile`. */
  readonly profile?: Profile;
}

/** What `--json` writes of a conversion. */
export interface BenchResult extends BenchFindings {
  readonly date: string;
  readonly adapter: string;
  /** hidden,mlp,heads,kv_heads,layers,vocabulary */
  readonly shape: string;
  /** Rows to measure and to quantize with, and tokens of each. */
  readonly rows: string;
  readonly stage: string;
  readonly quantizer: string;
  readonly precision: string;
}

/** What `--json` writes of single kernels. */
export interface KernelBenchResult {
  readonly date: string;
  readonly adapter: string;
  readonly ceilings: Ceilings;
  readonly kernels: readonly KernelResult[];
}
