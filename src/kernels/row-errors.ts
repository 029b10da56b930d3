import type { Gpu } from '../gpu/gpu.ts';
import { bufferBytes } from '../gpu/memory.ts';
import type { Scope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { rowErrors } from './model/row_errors.ts';
import { recordRowNorms, rowNormBytes } from './row-norms.ts';

/** How far a row of tokens is from what it should be, in two ways; squared, 0 where both are equal. */
export interface RowError {
  /** Mean over tokens of ‖y − reference‖² / ‖reference‖². */
  readonly byToken: number;
  /** ‖y − reference‖² / ‖reference‖² of all tokens together. */
  readonly whole: number;
}

/** GPU memory of the errors of one row of `length` tokens: what stays until they are read, and what it takes to sum. */
export const rowErrorBytes = (length: number, hidden: number) => ({
  kept: bufferBytes(8),
  meanwhile: bufferBytes(length * rowNormBytes(hidden)),
});

/**
 * Records the errors of `rows` rows of tokens, of which `y` and `reference` (tokens, hidden) f32 have equally many:
 * (rows, 2) f32; read them with {@link readRowErrors}. Nothing of a single token leaves the GPU.
 */
export function recordRowErrors(
  gpu: Gpu,
  scope: Scope,
  y: GpuTensor,
  reference: GpuTensor,
  rows: number,
): GpuTensor {
  const tokens = y.shape[0]!;
  const sums = recordRowNorms(gpu, scope, y, reference, tokens);
  const errors = scope.alloc([rows, 2], 'errors of rows');
  gpu.run(rowErrors, { rows, length: tokens / rows, parts: sums.shape[1]!, sums, errors });
  scope.free(sums);
  return errors;
}

export async function readRowErrors(gpu: Gpu, errors: GpuTensor): Promise<RowError[]> {
  const values = new Float32Array(await gpu.read(errors));
  return Array.from({ length: errors.shape[0]! }, (_, row) => ({
    byToken: values[row * 2]!,
    whole: values[row * 2 + 1]!,
  }));
}
