import type { Gpu } from '../gpu/gpu.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { readRowNorms } from '../kernels/row-norms.ts';

/** ‖y − reference‖ / ‖reference‖ of each row, from the sums that `recordRowNorms` records. */
export async function readErrors(gpu: Gpu, sums: GpuTensor): Promise<number[]> {
  const norms = await readRowNorms(gpu, sums);
  // Both may be zero.
  return norms.map(({ difference, power }) => (difference === 0 ? 0 : Math.sqrt(difference / power)));
}

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
