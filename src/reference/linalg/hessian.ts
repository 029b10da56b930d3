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
