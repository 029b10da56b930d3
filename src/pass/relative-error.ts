/**
 * The relative error, which everything that is measured, chosen, warned of and shown goes by.
 *
 * The refined quantizer takes it token by token: the root of the mean over all tokens of ‖y − reference‖² / ‖reference‖².
 * ExLlamaV2 takes the norms of a whole row of tokens, and the mean over rows. Trained models have tokens whose states
 * are a hundred times as large as all others; in the norm of a row only these count, and all else seems to err little.
 */

import type { QuantizerMethod } from '../gptq/method.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { rowsOf } from '../gpu/parts.ts';
import { type RowError, readRowErrors, recordRowErrors } from '../kernels/row_sums/token_errors.ts';
import type { HiddenStates } from '../model/gpu/states/states.ts';
import type { ModuleRun } from './run-rows.ts';

/** Over all rows, token by token. */
export const tokenError = (rows: readonly RowError[]): number =>
  Math.sqrt(mean(rows.map((row) => row.byToken)));

/** Over all rows, as ExLlamaV2 takes it. */
export const wholeRowError = (rows: readonly RowError[]): number =>
  mean(rows.map((row) => Math.sqrt(row.whole)));

export const relativeError = (method: QuantizerMethod, rows: readonly RowError[]): number =>
  method === 'refined' ? tokenError(rows) : wholeRowError(rows);

/** Puts the error of each row that has come out, of those that are expected, into `errors`; later. */
export async function noteErrors(
  gpu: Gpu,
  { scope, output, start, defer }: ModuleRun,
  expected: HiddenStates,
  errors: RowError[],
): Promise<void> {
  const { rows, length } = expected;
  const end = Math.min(rows, start + output.shape[0]! / length);
  if (end <= start) return;
  const first = rowsOf(output, 0, (end - start) * length);
  const reference = await expected.load(scope, start, end);
  const recorded = recordRowErrors(gpu, scope, first, reference, end - start);
  const note = (values: readonly RowError[]) => {
    for (const [i, value] of values.entries()) errors[start + i] = value;
  };
  defer(readRowErrors(gpu, recorded).then(note));
}

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
