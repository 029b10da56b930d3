import { InputError } from '../util/errors.ts';

export interface SamplingOptions {
  /** 0: always the most likely token. */
  readonly temperature: number;
  /** Only the so many most likely tokens; 0: all. */
  readonly topK: number;
  /** Only the most likely tokens that together reach this probability; 1: all. */
  readonly topP: number;
}

export const GREEDY: SamplingOptions = { temperature: 0, topK: 0, topP: 1 };

/** Throws InputError for options outside their range. */
export function checkSampling({ temperature, topK, topP }: SamplingOptions): void {
  if (!(temperature >= 0 && temperature <= 100)) {
    throw new InputError(
      `The temperature is ${temperature}; expected 0 (always the most likely token) to 100.`,
    );
  }
  if (!Number.isSafeInteger(topK) || topK < 0) {
    throw new InputError(`top-k is ${topK}; expected a whole number, 0 for all tokens.`);
  }
  if (!(topP > 0 && topP <= 1)) throw new InputError(`top-p is ${topP}; expected more than 0 and at most 1.`);
}

/**
 * Chooses the next token: logits divided by the temperature, then the top k, then of these the top p.
 * @param random gives numbers in [0, 1).
 */
export function sample(logits: Float32Array, options: SamplingOptions, random: () => number): number {
  const { temperature, topK, topP } = options;
  if (temperature === 0 || topK === 1) return mostLikely(logits);
  const tokens = Uint32Array.from(logits, (_, token) => token).sort((a, b) => logits[b]! - logits[a]!);
  const kept = tokens.subarray(0, topK === 0 ? tokens.length : topK);
  const highest = logits[kept[0]!]!;
  const weights = Float64Array.from(kept, (token) => Math.exp((logits[token]! - highest) / temperature));
  const total = nucleus(weights, topP);
  let left = random() * total.weight;
  for (let i = 0; i < total.count; i++) {
    left -= weights[i]!;
    if (left < 0) return kept[i]!;
  }
  return kept[total.count - 1]!;
}

/** The token of the largest logit, the first of equal ones. */
export function mostLikely(logits: Float32Array): number {
  let best = 0;
  for (let token = 1; token < logits.length; token++) if (logits[token]! > logits[best]!) best = token;
  return best;
}

/** The fewest of the falling `weights` that reach the share `topP` of their sum, at least one. */
function nucleus(weights: Float64Array, topP: number): { count: number; weight: number } {
  const limit = topP * weights.reduce((a, b) => a + b, 0);
  let weight = 0;
  for (let count = 0; count < weights.length; ) {
    weight += weights[count++]!;
    if (weight >= limit) return { count, weight };
  }
  return { count: weights.length, weight };
}
