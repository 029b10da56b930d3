import type { TokenComparison } from './token-statistics.ts';

/** What quantization cost, over the tokens of an evaluation. */
export interface Metrics {
  readonly rows: number;
  /** Tokens of a row. */
  readonly length: number;
  /** exp of the mean −log p of each next token within its row. */
  readonly perplexity: { readonly reference: number; readonly model: number };
  /** Kullback-Leibler divergence from the reference, in nats. */
  readonly divergence: {
    readonly mean: number;
    /**
     * Of the mean, by how the rows' means differ: tokens of a row are not independent. Undefined for one row, and in
     * results that earlier versions have kept.
     */
    readonly standardError: number | undefined;
    /** Mean of each row; not in results that earlier versions have kept. */
    readonly byRow: readonly number[];
    readonly median: number;
    /** 99 % of the tokens have less. */
    readonly p99: number;
  };
  /** Share of tokens at which both think the same token most likely. */
  readonly agreement: number;
  /** The same by the number of tokens before, in ranges that double. */
  readonly byPosition: readonly PositionMetrics[];
}

export interface PositionMetrics {
  /** Positions first … last of the rows. */
  readonly first: number;
  readonly last: number;
  readonly divergence: number;
  readonly agreement: number;
}

/** `tokens`: (rows · length), row after row. */
export function summarize(tokens: readonly TokenComparison[], rows: number, length: number): Metrics {
  const position = (i: number) => i % length;
  // The last token of a row has no next token.
  const predicted = tokens.filter((_, i) => position(i) < length - 1);
  const inOrder = Float64Array.from(tokens, ({ divergence }) => divergence);
  const byRow = Array.from({ length: rows }, (_, row) =>
    mean(inOrder.subarray(row * length, (row + 1) * length)),
  );
  const divergences = inOrder.toSorted();
  return {
    rows,
    length,
    perplexity: {
      reference: Math.exp(mean(predicted.map(({ referenceLoss }) => referenceLoss))),
      model: Math.exp(mean(predicted.map(({ loss }) => loss))),
    },
    divergence: {
      mean: mean(divergences),
      standardError: standardError(byRow),
      byRow,
      median: quantile(divergences, 0.5),
      p99: quantile(divergences, 0.99),
    },
    agreement: agreement(tokens),
    byPosition: positionRanges(length).map(({ first, last }) => {
      const inside = tokens.filter((_, i) => position(i) >= first && position(i) <= last);
      const divergence = mean(inside.map((token) => token.divergence));
      return { first, last, divergence, agreement: agreement(inside) };
    }),
  };
}

/** 0, 1, 2…3, 4…7, … up to the end of the rows. */
function positionRanges(length: number): { first: number; last: number }[] {
  const ranges: { first: number; last: number }[] = [];
  for (let first = 0; first < length; first = Math.max(1, first * 2)) {
    ranges.push({ first, last: Math.min(length, Math.max(1, first * 2)) - 1 });
  }
  return ranges;
}

const agreement = (tokens: readonly TokenComparison[]): number =>
  tokens.filter(({ agree }) => agree).length / tokens.length;

const mean = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
};

/** Of the mean of these values; undefined for a single one. */
export function standardError(values: readonly number[]): number | undefined {
  if (values.length < 2) return undefined;
  const center = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - center) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}

/** Of sorted values, between the two nearest. */
function quantile(sorted: Float64Array, share: number): number {
  const at = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}
