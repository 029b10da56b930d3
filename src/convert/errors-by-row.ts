import type { Gpu } from '../gpu/gpu.ts';
import type { Scope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { differenceNorms } from '../kernels/model/difference_norms.ts';

/** Elements of a row that one workgroup sums. */
const PART = 4096;

/** Records the sums for ‖y − reference‖ / ‖reference‖ of each calibration row; read them with {@link readErrors}. */
export function recordErrors(
  gpu: Gpu,
  scope: Scope,
  y: GpuTensor,
  reference: GpuTensor,
  rows: number,
): GpuTensor {
  const count = y.size / 4 / rows;
  const parts = Math.ceil(count / PART);
  const sums = scope.alloc([rows, parts, 2], 'error sums');
  gpu.run(differenceNorms, { rows, count, parts, y, reference, sums });
  return sums;
}

/** ‖y − reference‖ / ‖reference‖ of each row. */
export async function readErrors(gpu: Gpu, sums: GpuTensor): Promise<number[]> {
  const [rows, parts] = sums.shape as [number, number, number];
  const values = new Float32Array(await gpu.read(sums));
  return Array.from({ length: rows }, (_, row) => {
    let difference = 0;
    let power = 0;
    for (let part = 0; part < parts; part++) {
      difference += values[(row * parts + part) * 2]!;
      power += values[(row * parts + part) * 2 + 1]!;
    }
    // Both may be zero.
    return difference === 0 ? 0 : Math.sqrt(difference / power);
  });
}

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
