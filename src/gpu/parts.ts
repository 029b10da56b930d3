import type { Gpu } from './gpu.ts';
import { type GpuTensor, view } from './tensor.ts';

/** Rows of the matrices that matrix units multiply; views from such a row on are aligned. */
const MATRIX_ROWS = 16;

/**
 * Calls `run` for parts of `rows` rows of which none takes longer than one dispatch may ({@link Gpu.dispatchFlops}): a
 * GPU that is held for too long is taken for dead.
 * @param flops floating-point operations of a row.
 * @param step parts begin at multiples of this.
 */
export function inParts(
  gpu: Gpu,
  rows: number,
  flops: number,
  run: (start: number, count: number) => void,
  step = MATRIX_ROWS,
): void {
  const most = Math.max(step, Math.floor(gpu.dispatchFlops / flops / step) * step);
  for (let start = 0; start < rows; start += most) run(start, Math.min(most, rows - start));
}

/** Rows start … start + count − 1 of a matrix (rows, width). */
export function rowsOf(matrix: GpuTensor, start: number, count: number): GpuTensor {
  const [rows, width] = matrix.shape as [number, number];
  return count === rows ? matrix : view(matrix, start * width, [count, width]);
}
