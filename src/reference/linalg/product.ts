type Numbers = ArrayLike<number>;

/** C (m, n) = A (m, k) · B (k, n). */
export function gemm(a: Numbers, b: Numbers, m: number, n: number, k: number): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++)
    for (let t = 0; t < k; t++) for (let j = 0; j < n; j++) c[i * n + j]! += a[i * k + t]! * b[t * n + j]!;
  return c;
}

/** The transpose (n, m) of A (m, n). */
export function transpose(a: Numbers, m: number, n: number): Float64Array {
  return Float64Array.from({ length: m * n }, (_, i) => a[(i % m) * n + Math.floor(i / m)]!);
}

/** XᵀX (k, k) of X (m, k). */
export function gram(x: Numbers, m: number, k: number): Float64Array {
  return gemm(transpose(x, m, k), x, k, k, m);
}
