import type { Gpu } from '../gpu/gpu.ts';
import type { Scope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { readRowSquares, recordRowSquares } from '../kernels/row_sums/sum_squares.ts';

/**
 * What quantizing costs each candidate: tr(DᵀHD), D being the change of the weight and H the damped Hessian. With
 * H⁻¹ = UᵀU that is the sum of the squares of the errors E = U⁻ᵀD, which the quantizer has.
 * @param errors of the slices of one weight, (candidates, k, n) f32 each.
 */
export async function readLosses(gpu: Gpu, scope: Scope, errors: readonly GpuTensor[]): Promise<number[]> {
  const candidates = errors[0]!.shape[0]!;
  const sums = errors.map((e) => recordRowSquares(gpu, scope, e, candidates));
  const slices = await Promise.all(sums.map((tensor) => readRowSquares(gpu, tensor)));
  return Array.from({ length: candidates }, (_, i) =>
    slices.reduce((loss, squares) => loss + squares[i]!, 0),
  );
}
