/**
 * Of one token's router logits the `perToken` largest, the first of equal ones first, with softmax(logits) of them,
 * divided by their sum where `normalized`.
 */
export function topExperts(
  logits: ArrayLike<number>,
  perToken: number,
  normalized: boolean,
): { readonly expert: number; readonly weight: number }[] {
  const values = Array.from(logits);
  const largest = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - largest));
  const all = powers.reduce((a, b) => a + b, 0);
  const chosen = [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b).slice(0, perToken);
  const taken = chosen.reduce((sum, expert) => sum + powers[expert]! / all, 0);
  return chosen.map((expert) => ({ expert, weight: powers[expert]! / all / (normalized ? taken : 1) }));
}
