type Numbers = ArrayLike<number>;

/**
 * (x − mean) / sqrt(variance + epsilon) · weight + bias over runs of `k` values of x; weight and bias (heads, k), which
 * the runs take in turn.
 */
export function layerNorm(
  x: Numbers,
  weight: Numbers,
  bias: Numbers,
  k: number,
  epsilon: number,
): Float64Array {
  const y = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += k) {
    let mean = 0;
    for (let i = 0; i < k; i++) mean += x[start + i]! / k;
    let variance = 0;
    for (let i = 0; i < k; i++) variance += (x[start + i]! - mean) ** 2 / k;
    const scale = 1 / Math.sqrt(variance + epsilon);
    for (let i = 0; i < k; i++) {
      const at = (start + i) % weight.length;
      y[start + i] = (x[start + i]! - mean) * scale * weight[at]! + bias[at]!;
    }
  }
  return y;
}
