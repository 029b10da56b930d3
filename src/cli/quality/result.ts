import { type Metrics, standardError } from '../../evaluate/metrics.ts';

/** What a comparison was asked for; the same of two runs: the second may replace the first one's results. */
export interface Asked {
  /** Folders of the originals. */
  readonly models: readonly string[];
  readonly bits: readonly number[];
  readonly variants: readonly { readonly name: string; readonly options: readonly string[] }[];
  /** Options of all variants. */
  readonly options: readonly string[];
  /** Folders of finished models. */
  readonly finished: readonly string[];
  /** Path of the text file; null: the held-out text of the calibration mix. */
  readonly text: string | null;
  /** At most. */
  readonly rows: number;
  readonly length: number;
}

/** What `--json` writes; again after each result. */
export interface QualityResults {
  readonly date: string;
  readonly adapter: string;
  readonly asked: Asked;
  readonly originals: readonly OriginalResult[];
  readonly results: readonly Result[];
}

/** A model as it came, on the text. */
export interface OriginalResult {
  readonly model: string;
  readonly rows: number;
  readonly length: number;
  readonly perplexity: number;
}

/** One line of the table: a conversion, or a finished model. */
export interface Result {
  /** The original's folder name. */
  readonly model: string;
  /** Of the variant, or the finished model's folder. */
  readonly name: string;
  /** Asked for; undefined: a finished model's config.json does not say. */
  readonly bits: number | undefined;
  /** Where the output is, if it is kept. */
  readonly folder?: string;
  readonly seconds: Seconds;
  /** Undefined where it failed. */
  readonly found?: Found;
  /** Why it failed. */
  readonly failure?: string;
}

/** Undefined: not done, or done by an earlier run. */
export interface Seconds {
  readonly measuring?: number;
  /** All of the conversion but measuring. */
  readonly converting?: number;
  readonly evaluating?: number;
}

export interface Found {
  /** Stored bits per weight of the attention and MLP modules; undefined: the model is not quantized. */
  readonly storedBits: number | undefined;
  /** Of the weight files. */
  readonly bytes: number;
  readonly measures: Metrics;
  /** Mean KL divergence relative to the first variant's at the same bits; undefined where there is none. */
  readonly ratio: Ratio | undefined;
}

export interface Ratio {
  readonly value: number;
  /** By how the rows' differences differ: both are of the same rows. Undefined for one row. */
  readonly standardError: number | undefined;
}

/** The mean divergence of `metrics` relative to that of `first`, on the same rows. */
export function ratioOf(metrics: Metrics, first: Metrics): Ratio | undefined {
  const base = first.divergence.mean;
  if (base === 0) return undefined;
  const value = metrics.divergence.mean / base;
  // To first order the ratio errs as the mean of what each row has beyond it.
  const beyond = metrics.divergence.byRow.map((row, i) => row - value * first.divergence.byRow[i]!);
  const error = standardError(beyond);
  return { value, standardError: error === undefined ? undefined : error / base };
}
