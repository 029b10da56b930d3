import type { QuantParams } from '../exl2/params.ts';
import type { HessianSummaries } from './hessian-summary.ts';
import type { MeasuredError } from './measurement-json.ts';
import type { CandidateRange } from './module-candidates.ts';

/** What a setting costs a linear: tr(DᵀHD) of it. */
export interface SettingLoss {
  readonly params: QuantParams;
  readonly loss: number;
}

/** Losses of each linear, by its name. */
export type LinearLosses = ReadonlyMap<string, readonly SettingLoss[]>;

/** What one worker has measured of a module: some of its candidates, in order. Structured-cloneable. */
export interface MeasuredPart extends CandidateRange {
  readonly errors: readonly MeasuredError[];
  /** Of the settings that these candidates take, and of its share of the finer ones; when the quantizer refines. */
  readonly losses: LinearLosses | undefined;
  /** Of the module's inputs; the part with the first candidate has them. */
  readonly hessians?: HessianSummaries;
}
