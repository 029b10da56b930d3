/** The GPUs of a computer. */

/** By which browsers choose among the GPUs of a computer; where there is one, both mean that one. */
export type GpuChoice = 'high-performance' | 'low-power';

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
