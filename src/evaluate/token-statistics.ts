/** Rows of token ids, (rows, length). */
export interface TokenRows {
  readonly rows: number;
  readonly length: number;
  readonly ids: Int32Array;
}

/** How two models see the token after one. */
export interface TokenComparison {
  /** −log p of the token that came next, in nats: by the reference, and by the other model. */
  readonly referenceLoss: number;
  readonly loss: number;
  /** Kullback-Leibler divergence from the reference to the other model, in nats. */
  readonly divergence: number;
  /** Both think the same token most likely. */
  readonly agree: boolean;
}

/** What compare_logits found in one slice of the vocabulary, for one token. */
export interface SliceStatistics {
  /** Token of the slice's first column. */
  readonly first: number;
  /** The kernel's nine numbers. */
  readonly stats: Float32Array;
}

/**
 * Puts the slices together: with M the largest maximum, a slice of maximum A adds exp(A − M) times its sums; the
 * divergence is Σ p·((a − M) − (b − N)) − log Σ exp(a − M) + log Σ exp(b − N).
 */
export function combineSlices(slices: readonly SliceStatistics[]): TokenComparison {
  const [a, b] = [0, 4].map((at) => highest(slices, at)) as [Highest, Highest];
  let [sumA, sumB, cross, targetA, targetB] = [0, 0, 0, 0, 0];
  for (const { stats } of slices) {
    const [belowA, belowB] = [stats[0]! - a.maximum, stats[4]! - b.maximum];
    const weight = Math.exp(belowA);
    sumA += weight * stats[1]!;
    sumB += Math.exp(belowB) * stats[5]!;
    cross += weight * (stats[8]! + stats[1]! * (belowA - belowB));
    targetA += stats[2]!;
    targetB += stats[6]!;
  }
  const [logA, logB] = [Math.log(sumA), Math.log(sumB)];
  return {
    referenceLoss: logA + a.maximum - targetA,
    loss: logB + b.maximum - targetB,
    // Rounding may leave a little less than the zero that equal models have.
    divergence: Math.max(0, cross / sumA - logA + logB),
    agree: a.token === b.token,
  };
}

interface Highest {
  readonly maximum: number;
  readonly token: number;
}

function highest(slices: readonly SliceStatistics[], at: number): Highest {
  let best: Highest = { maximum: Number.NEGATIVE_INFINITY, token: -1 };
  for (const { first, stats } of slices) {
    if (stats[at]! > best.maximum) best = { maximum: stats[at]!, token: first + stats[at + 3]! };
  }
  return best;
}
