import type { Gpu } from '../gpu/gpu.ts';
import type { Scope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { differenceNorms } from '../kernels/model/difference_norms.ts';

/** Elements that one workgroup of the kernel sums. */
const PART = 4096;

const parts = (elements: number): number => Math.ceil(elements / PART);

/** GPU memory of one candidate's sums. */
export const lossPartBytes = (k: number, n: number): number => parts(k * n) * 8;

/**
 * What quantizing costs each candidate: tr(DᵀHD), D being the change of the weight and H the damped Hessian. With
 * H⁻¹ = UᵀU that is the sum of the squares of the errors E = U⁻ᵀD, which the quantizer has.
 * @param errors of the slices of one weight, (candidates, k, n) f32 each.
 */
export async function readLosses(gpu: Gpu, scope: Scope, errors: readonly GpuTensor[]): Promise<number[]> {
  const sums = errors.map((e) => {
    const [rows, k, n] = e.shape as [number, number, number];
    const count = k * n;
    const tensor = scope.alloc([rows, parts(count), 2], 'sums of squared errors');
    gpu.run(differenceNorms, { rows, count, parts: parts(count), y: e, reference: e, sums: tensor });
    return tensor;
  });
  const slices = await Promise.all(sums.map(async (tensor) => new Float32Array(await gpu.read(tensor))));
  const rows = errors[0]!.shape[0]!;
  return Array.from({ length: rows }, (_, row) =>
    slices.reduce((loss, values) => {
      const width = values.length / rows;
      return loss + sumOfSquares(values.subarray(row * width, (row + 1) * width));
    }, 0),
  );
}

/** The kernel writes pairs: of a difference, here zero, and of the squares. */
const sumOfSquares = (pairs: Float32Array): number =>
  pairs.reduce((sum, value, i) => (i % 2 === 1 ? sum + value : sum), 0);
