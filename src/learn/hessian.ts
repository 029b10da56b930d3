/** H = Σ xᵀx of a linear's input, (k, k): what the squared error of that linear's output is made of. */

import { dampingOf } from '../gptq/damping.ts';
import { inverseFactor } from '../reference/linalg/cholesky.ts';
import { permuteHessian } from '../reference/linalg/hessian.ts';

/** Adds xᵀx of the tokens x (tokens, k) to h (k, k). */
export function addTokens(h: Float64Array, x: Float32Array, k: number): void {
  for (let first = 0; first < x.length; first += k) {
    for (let i = 0; i < k; i++) {
      const value = x[first + i]!;
      const row = i * k;
      for (let j = 0; j <= i; j++) h[row + j]! += value * x[first + j]!;
    }
  }
  for (let i = 0; i < k; i++) for (let j = 0; j < i; j++) h[j * k + i] = h[i * k + j]!;
}

/** H of the tokens x (tokens, k), divided by their number. */
export function meanHessian(x: Float32Array, k: number): Float64Array {
  const h = new Float64Array(k * k);
  addTokens(h, x, k);
  const tokens = x.length / k;
  return h.map((value) => value / tokens);
}

/** How a Hessian's rows are swept: their order, and the factor that says what an error does to later rows. */
export interface SweepFactor {
  /** Input feature of each row. */
  readonly order: Uint32Array;
  /** H in that order, without damping, (k, k). */
  readonly hessian: Float64Array;
  /** What was added to its diagonal, (k). */
  readonly damping: Float64Array;
  /** U (k, k), upper: (H + damping)⁻¹ = UᵀU. */
  readonly u: Float64Array;
}

/** Factors h (k, k) as the refined quantizer does; `actOrder`: the loudest input first, else as they come. */
export function sweepFactor(h: Float64Array, k: number, actOrder: boolean): SweepFactor {
  const diagonal = Array.from({ length: k }, (_, i) => h[i * (k + 1)]!);
  const order = Uint32Array.from(diagonal.keys());
  if (actOrder) order.sort((a, b) => diagonal[b]! - diagonal[a]! || a - b);
  const { ratio, constant } = dampingOf('refined', diagonal);
  const hessian = permuteHessian(h, order, 1, 0, 0);
  const damping = Float64Array.from(order, (feature) => ratio * diagonal[feature]! + constant);
  const damped = hessian.slice();
  for (let i = 0; i < k; i++) damped[i * (k + 1)]! += damping[i]!;
  return { order, hessian, damping, u: inverseFactor(damped, k) };
}

/** Σ over the columns d of D (k, n) of dᵀHd: the squared error of the output, summed over the tokens of h. */
export function outputPower(d: ArrayLike<number>, h: ArrayLike<number>, k: number): number {
  const n = d.length / k;
  let sum = 0;
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) {
      let product = 0;
      for (let column = 0; column < n; column++) product += d[i * n + column]! * d[j * n + column]!;
      sum += h[i * k + j]! * product;
    }
  }
  return sum;
}
