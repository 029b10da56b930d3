import type { Gpu } from '../gpu/gpu.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { choleskyDiagonal } from '../kernels/cholesky/cholesky_diagonal.ts';
import { choleskyPanel } from '../kernels/cholesky/cholesky_panel.ts';
import { choleskyUpdate } from '../kernels/cholesky/cholesky_update.ts';
import { diagonal } from '../kernels/hessian/diagonal.ts';
import { permuteHessian } from '../kernels/hessian/permute_hessian.ts';
import { symmetrize } from '../kernels/hessian/symmetrize.ts';
import { reverseTriangle } from '../kernels/triangular_inverse/reverse_triangle.ts';
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

/** What the quantizer needs of a Hessian: act-order and the factor of its inverse. */
export interface HessianFactor {
  readonly k: number;
  /** Input feature of each row position, by falling diagonal. */
  readonly perm: Uint32Array<ArrayBuffer>;
  /** U (k, k), upper: H⁻¹ = UᵀU for the permuted, damped H. The lower triangle is zero. */
  readonly choleskyFactor: GpuTensor;
  /** The permuted, damped H (k, k), where it was asked for. */
  readonly hessian?: GpuTensor;
  /** How often the damping was added. */
  readonly attempts: number;
}

/**
 * Factors the Hessian of one linear input.
 *
 * With J the reversal, J·H·J = L·Lᵀ gives U = J·L⁻¹·J: one factorization instead of two and an inverse.
 * @param sum lower triangle of Σ xᵀx (k, k); the upper one is filled here.
 * @throws NumericalError when `what`'s Hessian is not finite or cannot be factored.
 */
export async function factorHessian(
  gpu: Gpu,
  scope: Scope,
  what: string,
  sum: GpuTensor,
  { rows, method, keepHessian }: FactorOptions,
): Promise<HessianFactor> {
  const k = sum.shape[0]!;
  gpu.run(symmetrize, { k, h: sum });
  const diagonalOfH = (await readDiagonal(gpu, sum, k)).map((value) => value / rows);
  if (!diagonalOfH.every(Number.isFinite)) {
    throw new NumericalError(
      `The Hessian of ${what} is not finite: the calibration states overflow there. Check the model's weights for NaN or infinity, or calibrate with other text.`,
    );
  }
  const { ratio, constant } = dampingOf(method, diagonalOfH);
  const perm = actOrder(diagonalOfH);
  const choleskyFactor = scope.alloc([k, k], `inverse Hessian factor of ${what}`);
  const work = scope.alloc([k, k], `damped Hessian of ${what}`);
  for (let attempts = 1; attempts <= ATTEMPTS; attempts++) {
    const args = { k, scale: 1 / rows, ratio: ratio * attempts, damp: constant * attempts };
    if (!(await tryFactor(gpu, sum, args, perm, work, choleskyFactor))) continue;
    if (!keepHessian) {
      scope.free(work);
      return { k, perm, choleskyFactor, attempts };
    }
    await withScope(gpu, async (temporary) => {
      const order = temporary.upload(perm, 'act-order');
      gpu.run(permuteHessian, { ...args, h: sum, order, a: work });
    });
    return { k, perm, choleskyFactor, hessian: work, attempts };
  }
  throw new NumericalError(
    `The Hessian of ${what} cannot be factored, even with ${ATTEMPTS} times the damping of ${constant}. More calibration rows may help.`,
  );
}

/** Indices by falling value; equal ones stay in order. */
export function actOrder(values: readonly number[]): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(values.keys()).sort((a, b) => values[b]! - values[a]! || a - b);
}

/** The diagonal of h (k, k). */
export async function readDiagonal(gpu: Gpu, h: GpuTensor, k: number): Promise<number[]> {
  return withScope(gpu, async (scope) => {
    const d = scope.alloc([k], 'Hessian diagonal');
    gpu.run(diagonal, { k, h, d });
    return Array.from(new Float32Array(await gpu.read(d)));
  });
}

async function tryFactor(
  gpu: Gpu,
  h: GpuTensor,
  args: { k: number; scale: number; ratio: number; damp: number },
  perm: Uint32Array<ArrayBuffer>,
  a: GpuTensor,
  u: GpuTensor,
): Promise<boolean> {
  const { k } = args;
  return withScope(gpu, async (scope) => {
    const status = scope.alloc([1], 'failed pivots');
    const order = scope.upload(perm.toReversed(), 'reversed act-order');
    gpu.zero(status);
    gpu.run(permuteHessian, { ...args, h, order, a });
    for (let start = 0; start < k; start += BLOCK) {
      gpu.run(choleskyDiagonal, { k, start, a, status });
      gpu.run(choleskyPanel, { k, start, a });
      gpu.run(choleskyUpdate, { k, start, a });
    }
    invertTriangle(gpu, k, a, u);
    gpu.run(reverseTriangle, { k, x: a, u });
    return new Uint32Array(await gpu.read(status))[0] === 0;
  });
}
