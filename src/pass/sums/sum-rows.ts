import { type Triangle, zeroTriangle } from '../../gpu/matrix/triangle.ts';
import { inParts, rowsOf } from '../../gpu/parts.ts';
import type { StageContext } from '../../job/context.ts';
import { gram, gramMixed } from '../../kernels/gram/gram.ts';
import type { HiddenStates } from '../../model/gpu/states/states.ts';
import type { InputKey } from '../../model/spec.ts';
import { type RowsSeen, type RowsSource, runRows } from '../run-rows.ts';
import type { HessianSums } from './hessian-sums.ts';
import type { RowPart } from './row-parts.ts';

/**
 * Zeroes Hessian sums (k, k), to add xᵀx of the linear inputs (tokens, k) that it sees; those
 * that there is no sum for are passed over.
 * @param mixed whether the products may round to half precision.
 */
export function summing(
  { gpu }: StageContext,
  sums: ReadonlyMap<InputKey, Triangle>,
  mixed: boolean,
): NonNullable<RowsSeen['tap']> {
  for (const sum of sums.values()) zeroTriangle(gpu, sum);
  return (input, x) => {
    const sum = sums.get(input);
    if (!sum) return;
    const [m, k] = x.shape as [number, number];
    for (const { start, end, tensor: h } of sum.panels) {
      const rows = end - start;
      // The same parts however many panels there are, so that the sums are the same.
      inParts(gpu, m, k * k, (first, count) => {
        const tokens = { m: count, x: rowsOf(x, first, count) };
        gpu.run(mixed ? gramMixed : gram, { ...tokens, k, start, rows, h });
      });
    }
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
    const sum = summing(context, sums.sums, source.mixed);
    const tap: RowsSeen['tap'] = (input, x, start, tokens) => {
      sum(input, x, start, tokens);
      sums.count(input, tokens);
      seen.tap?.(input, x, start, tokens);
    };
    await runRows(context, source, states, part, batch, { ...seen, tap });
    sums.endPart(part.half);
  }
}
