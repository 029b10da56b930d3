import { inParts, rowsOf } from '../../gpu/parts.ts';
import type { GpuTensor } from '../../gpu/tensor.ts';
import type { StageContext } from '../../job/context.ts';
import { gram, gramMixed } from '../../kernels/gram/gram.ts';
import type { HiddenStates } from '../../model/gpu/states.ts';
import type { InputKey } from '../../model/spec.ts';
import { type RowsSeen, type RowsSource, runRows } from '../run-rows.ts';
import type { HessianSums } from './hessian-sums.ts';
import type { RowPart } from './row-parts.ts';

/**
 * Zeroes Hessian sums, (k, k) in their lower triangles, to add xᵀx of the linear inputs (tokens, k) that it sees; those
 * that there is no sum for are passed over.
 * @param mixed whether the products may round to half precision.
 */
export function summing(
  { gpu }: StageContext,
  sums: ReadonlyMap<InputKey, GpuTensor>,
  mixed: boolean,
): NonNullable<RowsSeen['tap']> {
  for (const h of sums.values()) gpu.zero(h);
  return (input, x) => {
    const h = sums.get(input);
    if (!h) return;
    const [m, k] = x.shape as [number, number];
    inParts(gpu, m, k * k, (start, count) => {
      gpu.run(mixed ? gramMixed : gram, { m: count, k, x: rowsOf(x, start, count), h });
    });
  };
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
  for (const part of parts) {
    const sum = summing(context, sums.squares, source.mixed);
    const tap: RowsSeen['tap'] = (input, x, start, tokens) => {
      sum(input, x, start, tokens);
      sums.count(input, tokens);
      seen.tap?.(input, x, start, tokens);
    };
    await runRows(context, source, states, part, batch, { ...seen, tap });
    sums.endPart(part.half);
  }
}
