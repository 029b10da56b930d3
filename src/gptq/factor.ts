import type { Gpu } from '../gpu/gpu.ts';
import { allocTriangle, freeTriangle, moveTriangle, type Triangle } from '../gpu/matrix/triangle.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { choleskyDiagonal } from '../kernels/cholesky/cholesky_diagonal.ts';
import { choleskyPanel } from '../kernels/cholesky/cholesky_panel.ts';
import { choleskyUpdate } from '../kernels/cholesky/cholesky_update.ts';
import { diagonal } from '../kernels/hessian/diagonal.ts';
import { permuteHessian } from '../kernels/hessian/permute_hessian.ts';
import { NumericalError } from '../util/errors.ts';
import { dampingOf } from './damping.ts';
import { invertTriangle } from './invert-triangle.ts';
import type { QuantizerMethod } from './method.ts';

const ATTEMPTS = 10;
/** Side of the blocks that the factorization kernels work on. */
const BLOCK = 32;

/** How to factor a sum of xᵀx. */
export interface FactorOptions {
  /** Calibration rows in the sum, by which it is divided. */
  readonly rows: number;
  /** Tells the damping. */
  readonly method: QuantizerMethod;
  /** Whether the result has `hessian` too. */
  readonly keepHessian: boolean;
}

/** A Hessian as the sum of xᵀx that it is made of. */
export interface DampedHessian {
  /** In the order of the input features. */
  readonly sum: Triangle;
  readonly scale: number;
  /** What is added to the diagonal: so much of it, */
  readonly ratio: number;
  /** and this. */
  readonly damp: number;
}

/** What the quantizer needs of a Hessian: act-order and the factor of its inverse. */
export interface HessianFactor {
  readonly k: number;
  /** Input feature of each row position, by falling diagonal. */
  readonly perm: Uint32Array<ArrayBuffer>;
  /**
   * X (k, k), lower: with J the reversal, U = J·X·J is the upper factor of the inverse, H⁻¹ = UᵀU for the permuted, damped
   * H. What is right of its diagonal blocks of 32 means nothing.
   */
  readonly inverse: Triangle;
  /** Where it was asked for. */
  readonly hessian?: DampedHessian;
  /** How often the damping was added. */
  readonly attempts: number;
}

/**
 * Factors the Hessian of one linear input.
 *
 * J·H·J = L·Lᵀ gives U = J·L⁻¹·J: one factorization instead of two and an inverse.
 * @param scope owns the result.
 * @param sum Σ xᵀx (k, k); it belongs to `sums`, and is used up.
 * @throws NumericalError when `what`'s Hessian is not finite or cannot be factored.
 */
export async function factorHessian(
  gpu: Gpu,
  scope: Scope,
  what: string,
  sums: Scope,
  sum: Triangle,
  { rows, method, keepHessian }: FactorOptions,
): Promise<HessianFactor> {
  const { k } = sum;
  const diagonalOfH = (await readDiagonal(gpu, sum)).map((value) => value / rows);
  if (!diagonalOfH.every(Number.isFinite)) {
    throw new NumericalError(
      `The Hessian of ${what} is not finite: the calibration states overflow there. Check the model's weights for NaN or infinity, or calibrate with other text.`,
    );
  }
  const { ratio, constant } = dampingOf(method, diagonalOfH);
  const perm = actOrder(diagonalOfH);
  const inverse = allocTriangle(gpu, scope, k, `inverse Hessian factor of ${what}`);
  for (let attempts = 1; attempts <= ATTEMPTS; attempts++) {
    const hessian = { sum, scale: 1 / rows, ratio: ratio * attempts, damp: constant * attempts };
    if (!(await tryFactor(gpu, hessian, perm, inverse))) continue;
    if (!keepHessian) {
      freeTriangle(sums, sum);
      return { k, perm, inverse, attempts };
    }
    moveTriangle(sums, scope, sum);
    return { k, perm, inverse, hessian, attempts };
  }
  throw new NumericalError(
    `The Hessian of ${what} cannot be factored, even with ${ATTEMPTS} times the damping of ${constant}. More calibration rows may help.`,
  );
}

/** Indices by falling value; equal ones stay in order. */
export function actOrder(values: readonly number[]): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(values.keys()).sort((a, b) => values[b]! - values[a]! || a - b);
}

/** The diagonal of a symmetric matrix. */
export async function readDiagonal(gpu: Gpu, { k, panels }: Triangle): Promise<number[]> {
  return withScope(gpu, async (scope) => {
    const d = scope.alloc([k], 'Hessian diagonal');
    for (const { start, end, tensor: h } of panels) gpu.run(diagonal, { start, rows: end - start, h, d });
    return Array.from(new Float32Array(await gpu.read(d)));
  });
}

/**
 * Rows first … first + count − 1 of the damped Hessian in another order, (count, columns).
 * @param order (at least first + count, columns) input feature of each row and column.
 */
export function hessianRows(
  gpu: Gpu,
  { sum, scale, ratio, damp }: DampedHessian,
  order: GpuTensor,
  first: number,
  a: GpuTensor,
): void {
  const [count, columns] = a.shape as [number, number];
  const args = { first, count, columns, scale, ratio, damp, order, a };
  for (const { start, end, tensor: h } of sum.panels)
    gpu.run(permuteHessian, { ...args, start, rows: end - start, h });
}

async function tryFactor(
  gpu: Gpu,
  hessian: DampedHessian,
  perm: Uint32Array<ArrayBuffer>,
  a: Triangle,
): Promise<boolean> {
  return withScope(gpu, async (scope) => {
    const status = scope.alloc([1], 'failed pivots');
    const order = scope.upload(perm.toReversed(), 'reversed act-order');
    gpu.zero(status);
    for (const { start, tensor } of a.panels) hessianRows(gpu, hessian, order, start, tensor);
    factorTriangle(gpu, scope, a, status);
    invertTriangle(gpu, a);
    return new Uint32Array(await gpu.read(status))[0] === 0;
  });
}

/**
 * Turns a symmetric matrix into its Cholesky factor, in place, but for the diagonal blocks of 32, in which their inverses
 * stand.
 * @param status (1) u32, counts pivots that are not positive and finite.
 */
export function factorTriangle(gpu: Gpu, scope: Scope, { k, panels }: Triangle, status: GpuTensor): void {
  const pivot = scope.alloc([k, BLOCK], 'columns of a factor');
  for (let start = 0; start < k; start += BLOCK) {
    for (const { start: first, end, tensor: a } of panels) {
      if (end <= start) continue;
      const args = { start, first, rows: end - first, a, pivot };
      if (first <= start) gpu.run(choleskyDiagonal, { ...args, status });
      gpu.run(choleskyPanel, args);
      gpu.run(choleskyUpdate, args);
    }
  }
}
