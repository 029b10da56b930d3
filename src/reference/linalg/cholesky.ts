type Numbers = ArrayLike<number>;

/** Lower L (k, k) with A = L·Lᵀ; reads the lower triangle of A. NaN where A is not positive definite. */
export function cholesky(a: Numbers, k: number): Float64Array {
  const l = new Float64Array(k * k);
  for (let j = 0; j < k; j++) {
    for (let i = j; i < k; i++) {
      let sum = a[i * k + j]!;
      for (let t = 0; t < j; t++) sum -= l[i * k + t]! * l[j * k + t]!;
      l[i * k + j] = i === j ? Math.sqrt(sum) : sum / l[j * k + j]!;
    }
  }
  return l;
}

/** Inverse (k, k) of lower L (k, k), by forward substitution of each column. */
export function triangularInverse(l: Numbers, k: number): Float64Array {
  const x = new Float64Array(k * k);
  for (let j = 0; j < k; j++) {
    for (let i = j; i < k; i++) {
      let sum = i === j ? 1 : 0;
      for (let t = j; t < i; t++) sum -= l[i * k + t]! * x[t * k + j]!;
      x[i * k + j] = sum / l[i * k + i]!;
    }
  }
  return x;
}

/** A (k, k) with rows and columns in reverse order. */
export function reversed(a: Numbers, k: number): Float64Array {
  return Float64Array.from({ length: k * k }, (_, i) => a[k * k - 1 - i]!);
}

/** Upper U (k, k) with H⁻¹ = UᵀU: with J the reversal, J·H·J = L·Lᵀ and U = J·L⁻¹·J. */
export function inverseFactor(h: Numbers, k: number): Float64Array {
  return reversed(triangularInverse(cholesky(reversed(h, k), k), k), k);
}
