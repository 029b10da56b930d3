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

/** H (k, k) with its lower triangle mirrored into the upper one. */
export function symmetrize(h: Numbers, k: number): Float64Array {
  return Float64Array.from({ length: k * k }, (_, at) => {
    const [i, j] = [Math.floor(at / k), at % k];
    return h[Math.max(i, j) * k + Math.min(i, j)]!;
  });
}

/** p + the lower triangle of H (k, k), packed row after row. */
export function addTriangle(h: Numbers, k: number, p: Numbers): Float64Array {
  const sum = Float64Array.from({ length: (k * (k + 1)) / 2 }, (_, at) => p[at]!);
  let at = 0;
  for (let i = 0; i < k; i++) for (let j = 0; j <= i; j++) sum[at++]! += h[i * k + j]!;
  return sum;
}

/** H (k, k) with its lower triangle replaced by the packed one p. */
export function unpackTriangle(p: Numbers, k: number, h: Numbers): Float64Array {
  return Float64Array.from({ length: k * k }, (_, at) => {
    const [i, j] = [Math.floor(at / k), at % k];
    return j <= i ? p[(i * (i + 1)) / 2 + j]! : h[at]!;
  });
}
