/** A token that could come next. */
export interface LikelyToken {
  readonly id: number;
  /** What it would add to the text. */
  readonly text: string;
  /** By the model, whatever the temperature. */
  readonly probability: number;
}

/**
 * The `count` most likely tokens with their probabilities, the likeliest first; of equal ones the first ids.
 * @param logits (vocabulary)
 */
export function likelyTokens(logits: Float32Array, count: number): Omit<LikelyToken, 'text'>[] {
  const best: number[] = [];
  for (let id = 0; id < logits.length; id++) {
    if (best.length === count && !(logits[id]! > logits[best.at(-1)!]!)) continue;
    const place = best.findIndex((other) => logits[id]! > logits[other]!);
    best.splice(place === -1 ? best.length : place, 0, id);
    if (best.length > count) best.pop();
  }
  const highest = logits[best[0] ?? 0] ?? 0;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - highest);
  return best.map((id) => ({ id, probability: Math.exp(logits[id]! - highest) / sum }));
}
