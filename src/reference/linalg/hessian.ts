type Numbers = ArrayLike<number>;

/** A[i, j] = scale · H[order[i], order[j]], on the diagonal times 1 + ratio, plus damp; all (k, k). */
export function permuteHessian(
  h: Numbers,
  order: Numbers,
  scale: number,
  ratio: number,
  damp: number,
): Float64Array {
  const k = order.length;
  return Float64Array.from({ length: k * k }, (_, at) => {
    const [i, j] = [Math.floor(at / k), at % k];
    const value = scale * h[order[i]! * k + order[j]!]!;
    return i === j ? value * (1 + ratio) + damp : value;
  });
}

/** The diagonal (k) of H (k, k). */
export function diagonal(h: Numbers, k: number): Float64Array {
  return Float64Array.from({ length: k }, (_, i) => h[i * k + i]!);
}

/** Σ |H| over each of side · side blocks of H (k, k); block a has rows floor(a·k / side) up to the next one's. */
export function blockSums(h: Numbers, k: number, side: number): Float64Array {
  const blocks = new Uint32Array(k);
  for (let block = 0; block < side; block++)
    blocks.fill(block, Math.floor((block * k) / side), Math.floor(((block + 1) * k) / side));
  const sums = new Float64Array(side * side);
  for (let i = 0; i < k; i++)
    for (let j = 0; j < k; j++) sums[blocks[i]! * side + blocks[j]!]! += Math.abs(h[i * k + j]!);
  return sums;
}
