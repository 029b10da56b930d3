import { inParts, rowsOf } from '../../gpu/parts.ts';
import type { GpuTensor } from '../../gpu/tensor.ts';
import type { StageContext } from '../../job/context.ts';
import { gram, gramMixed } from '../../kernels/gram/gram.ts';
import type { HiddenStates } from '../../model/gpu/states.ts';
import { type RowsSeen, type RowsSource, runRows } from '../run-rows.ts';
import type { HessianSums } from './hessian-sums.ts';
import type { RowPart } from './row-parts.ts';

/** Adds xᵀx of a linear input (tokens, k) to a Hessian sum. */
export function addToHessian({ gpu }: StageContext, h: GpuTensor, x: GpuTensor, mixed: boolean): void {
  const [m, k] = x.shape as [number, number];
  inParts(gpu, m, k * k, (start, count) => {
    gpu.run(mixed ? gramMixed : gram, { m: count, k, x: rowsOf(x, start, count), h });
  });
}

/** Sums xᵀx over each part of the rows. */
export async function sumRowParts(
  context: StageContext,
  source: RowsSource,
  states: HiddenStates,
  parts: readonly RowPart[],
  batch: number,
  sums: HessianSums,
  seen: RowsSeen = {},
): Promise<void> {
  const tap: RowsSeen['tap'] = (input, x, start) => {
    addToHessian(context, sums.squares.get(input)!, x, source.mixed);
    seen.tap?.(input, x, start);
  };
  for (const part of parts) {
    sums.startPart();
    await runRows(context, source, states, part, batch, { ...seen, tap });
    sums.endPart(part.half);
  }
}
