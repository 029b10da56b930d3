import type { Gpu } from '../../gpu/gpu.ts';
import type { Scope } from '../../gpu/scope.ts';
import type { GpuTensor } from '../../gpu/tensor.ts';
import { readRowSquares, recordRowSquares } from '../../kernels/row_sums/sum_squares.ts';
import { NumericalError } from '../../util/errors.ts';

/** Whether all values of `states` (rows, …) f32 are numbers, and so small that the sum of their squares is one. */
export async function areFinite(gpu: Gpu, scope: Scope, states: GpuTensor, rows: number): Promise<boolean> {
  const squares = await readRowSquares(gpu, recordRowSquares(gpu, scope, states, rows));
  return squares.every(Number.isFinite);
}

/** What comes out of a module is not finite, though what went in was. */
export const overflowError = (key: string, model: string, advice: string): NumericalError =>
  new NumericalError(`${key}: its states overflow in ${model}: what comes out is not finite. ${advice}`);

/** What to do about an original model that overflows. */
export const ORIGINAL_ADVICE =
  'Its weights are all numbers, so it is broken as it comes, or the text is unlike anything that it knows: compare the ' +
  'checksums of its files with those on its page, check that config.json belongs to it, and try other calibration data.';

/** What to do about a quantized model that overflows. */
export const QUANTIZED_ADVICE =
  'Compute in f32 (--precision f32), and if that does not help, take more bits: both need a new work directory ' +
  '(--out_dir), to which the measurement can be given (--measurement).';
