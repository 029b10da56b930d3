type Numbers = ArrayLike<number>;

/** A[i, j] = scale · H[order[i], order[j]] + (i = j ? damp : 0), all (k, k). */
export function permuteHessian(h: Numbers, order: Numbers, scale: number, damp: number): Float64Array {
  const k = order.length;
  return Float64Array.from({ length: k * k }, (_, at) => {
    const [i, j] = [Math.floor(at / k), at % k];
    return scale * h[order[i]! * k + order[j]!]! + (i === j ? damp : 0);
  });
}

/** The diagonal (k) of H (k, k). */
export function diagonal(h: Numbers, k: number): Float64Array {
  return Float64Array.from({ length: k }, (_, i) => h[i * k + i]!);
}

/** H (k, k) with its lower triangle mirrored into the upper one. */
export function symmetrize(h: Numbers, k: number): Float64Array {
  return Float64Array.from({ length: k * k }, (_, at) => {
    const [i, j] = [Math.floor(at / k), at % k];
    return h[Math.max(i, j) * k + Math.min(i, j)]!;
  });
}
