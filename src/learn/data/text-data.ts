/** A text as the linears of the first attention block see it. */
export interface TextData {
  /** What each token looks like; `bos` for the one that begins a text. */
  readonly tokens: readonly string[];
  /** Input features of a token. */
  readonly k: number;
  /** (tokens, k). */
  readonly x: Float32Array;
  /** Tokens of the text that were left out at its end. */
  readonly left: number;
}

/** Σ of the squares of each token's inputs, (tokens). */
export function loudness({ x, k }: TextData): Float64Array {
  const sums = new Float64Array(x.length / k);
  for (let i = 0; i < x.length; i++) sums[Math.floor(i / k)]! += x[i]! ** 2;
  return sums;
}

/** Adds xᵀx of the tokens from `start` up to `end` to h (k, k). */
export function addToHessian(h: Float64Array, { x, k }: TextData, start: number, end: number): void {
  for (let token = start; token < end; token++) {
    const first = token * k;
    for (let i = 0; i < k; i++) {
      const value = x[first + i]!;
      for (let j = 0; j <= i; j++) h[i * k + j]! += value * x[first + j]!;
    }
  }
  for (let i = 0; i < k; i++) for (let j = 0; j < i; j++) h[j * k + i] = h[i * k + j]!;
}

/** One row that was changed by `amount`, of one output's weights. */
export interface Change {
  readonly feature: number;
  readonly amount: number;
}

/** What changes of an output's weights do to that output, at each token. */
export function outputChange({ x, k }: TextData, changes: readonly Change[]): Float64Array {
  return Float64Array.from({ length: x.length / k }, (_, token) =>
    changes.reduce((sum, { feature, amount }) => sum + amount * x[token * k + feature]!, 0),
  );
}

/** Σ over the tokens of a change's square. */
export const power = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return sum;
};

/** The diagonal (k) of h (k, k): the power of each input. */
export const diagonalOf = (h: Float64Array, k: number): Float64Array =>
  Float64Array.from({ length: k }, (_, i) => h[i * (k + 1)]!);

/** What the loudest tenth of the inputs hold of all power. */
export function loudestShare(diagonal: Float64Array): number {
  const falling = diagonal.toSorted().toReversed();
  const sum = (values: Float64Array) => values.reduce((a, b) => a + b, 0);
  return sum(falling.subarray(0, Math.round(falling.length / 10))) / (sum(falling) || 1);
}
