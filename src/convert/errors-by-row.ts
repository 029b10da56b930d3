import type { Gpu } from '../gpu/gpu.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { rowsOf } from '../kernels/parts.ts';
import { readRowNorms, recordRowNorms } from '../kernels/row-norms.ts';
import type { HiddenStates } from '../model/states.ts';
import type { BlockRun } from './capture.ts';

/** ‖y − reference‖ / ‖reference‖ of each row, from the sums that `recordRowNorms` records. */
export async function readErrors(gpu: Gpu, sums: GpuTensor): Promise<number[]> {
  const norms = await readRowNorms(gpu, sums);
  // Both may be zero.
  return norms.map(({ difference, power }) => (difference === 0 ? 0 : Math.sqrt(difference / power)));
}

/** Puts the error of each row that has come out, of those that are expected, into `errors`; later. */
export function noteErrors(
  gpu: Gpu,
  { scope, output, start, later }: BlockRun,
  expected: HiddenStates,
  errors: number[],
): void {
  const { rows, length } = expected;
  const end = Math.min(rows, start + output.shape[0]! / length);
  if (end <= start) return;
  const first = rowsOf(output, 0, (end - start) * length);
  const sums = recordRowNorms(gpu, scope, first, expected.load(scope, start, end), end - start);
  const note = (values: readonly number[]) => {
    for (const [i, value] of values.entries()) errors[start + i] = value;
  };
  later(readErrors(gpu, sums).then(note));
}

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
