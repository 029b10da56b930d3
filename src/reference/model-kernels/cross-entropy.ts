/** −log softmax(logits)[target] of each row, in nats; logits (m, n), of which the first `vocabulary` columns count. */
export function crossEntropy(
  logits: ArrayLike<number>,
  targets: ArrayLike<number>,
  n: number,
  vocabulary: number,
): Float64Array {
  return Float64Array.from(targets, (target, i) => {
    const row = Array.from({ length: vocabulary }, (_, j) => logits[i * n + j]!);
    const highest = Math.max(...row);
    const sum = row.reduce((total, logit) => total + Math.exp(logit - highest), 0);
    return Math.log(sum) + highest - logits[i * n + target]!;
  });
}
