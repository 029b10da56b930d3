import { readDiagonal } from '../gptq/factor.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Triangle } from '../gpu/matrix/triangle.ts';
import { gemmMixed } from '../kernels/gemm/gemm.ts';
import { gemmSubgroupMatrix, MATRIX_SIDE } from '../kernels/gemm/gemm_subgroup_matrix.ts';
import type { InputKey } from '../model/spec.ts';

/**
 * Half precision holds values up to 65504; quantized weights may make the inputs of later linears a few times larger
 * than the original ones.
 */
const LARGEST_INPUT = 65504 / 8;

/** Whether no linear input in the sums is too large for half precision; one that was makes its sum infinite. */
export async function inputsFit(gpu: Gpu, hessians: ReadonlyMap<InputKey, Triangle>): Promise<boolean> {
  const squares = await Promise.all([...hessians.values()].map((h) => readDiagonal(gpu, h)));
  return squares.every(powerFits);
}

/** @param squares of each column: the sum. */
export const powerFits = (squares: ArrayLike<number>): boolean =>
  Array.from(squares).every((x) => Math.sqrt(x) <= LARGEST_INPUT); // NaN does not

/** Whether forward passes may round to half precision. */
export const roundsToHalf = (gpu: Gpu): boolean => gpu.prefers(gemmMixed, gemmSubgroupMatrix);

/**
 * Whether forward passes over rows of `length` tokens may, whatever number of rows runs together: matrix units take
 * whole matrices only.
 */
export const rowsRoundToHalf = (gpu: Gpu, length: number): boolean =>
  roundsToHalf(gpu) && length % MATRIX_SIDE === 0;

/**
 * Runs rows in half precision where that may be, and once more without where an input turns out too large for it.
 * @param mixed whether it may.
 * @param fits whether all linear inputs of the run fitted.
 * @returns whether the last run rounded.
 */
export async function withFittingPrecision(
  mixed: boolean,
  run: (mixed: boolean) => Promise<void>,
  fits: () => Promise<boolean>,
): Promise<boolean> {
  await run(mixed);
  if (!mixed || (await fits())) return mixed;
  await run(false);
  return false;
}
