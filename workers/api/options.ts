/** What a conversion is asked to do, and what that comes to. */

import type { Precision } from '../../src/autotune/precision.ts';
import type { BitWidth } from '../../src/exl2/params.ts';
import type { QuantizerMethod } from '../../src/gptq/method.ts';
import type { StatesPlan } from '../../src/job/events.ts';
import type { GpuChoice } from './gpu.ts';

/** The GPUs that share a job; the first one leads. */
export type Gpus = readonly [GpuChoice, ...GpuChoice[]];

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
  /** Main memory of all workers together, beyond which calibration states go to disk. Missing: without limit. */
  readonly memoryBudgetBytes?: number;
  /** On each GPU; they share the job, each with a device of its own. Missing: one. */
  readonly workers?: number;
  /** Missing: the fast one. */
  readonly gpus?: Gpus;
  readonly seed: number;
}

export const gpusOf = ({ gpus = ['high-performance'] }: Pick<JobOptions, 'gpus'>): Gpus => gpus;

/** Seconds that the parts of a job should take on its GPU. */
export interface JobTimes {
  readonly measure: number;
  /** Each bitrate. */
  readonly target: number;
}

/** The consequences of the options, before any work. */
export interface JobPlan {
  /** Of each bitrate's weight files. */
  readonly outputBytes: readonly number[];
  readonly gpuBytes: number;
  readonly memoryBytes: number;
  /** Of all workers. */
  readonly states: StatesPlan;
  readonly diskBytes: number;
  readonly times: JobTimes;
  readonly problems: readonly { readonly severe: boolean; readonly text: string }[];
}
