import { compareRow, type TakeStatistics } from '../evaluate/compare-row.ts';
import { combineSlices, type SliceStatistics } from '../evaluate/token-statistics.ts';
import type { StageContext } from '../job/context.ts';
import { checkControl } from '../job/control.ts';
import { forEachBatch } from '../model/gpu/batches.ts';
import { normalize } from '../model/gpu/ops.ts';
import type { HiddenStates } from '../model/gpu/states/states.ts';
import type { LinearWeight, NormWeight } from '../model/gpu/weights.ts';

/**
 * Calls `use` with slices of a head's vocabulary, each one for a part of it, in order: with all together, or with as many
 * at a time as there is memory for.
 */
export type HeadSlices = (use: (slices: readonly LinearWeight[]) => Promise<void>) => Promise<void>;

/** The final norm and the head. */
export interface HeadModel {
  /** Products may round to half precision. */
  readonly mixed: boolean;
  readonly norm: NormWeight;
  readonly head: HeadSlices;
}

export interface Perplexity {
  readonly value: number;
  readonly tokens: number;
}

/**
 * exp of the mean negative log-likelihood of each next token within its row, over the first `rows` rows.
 * @param states before the final norm. @param ids (rows, length) token ids.
 */
export async function perplexity(
  context: StageContext,
  model: HeadModel,
  states: HiddenStates,
  ids: Int32Array,
  rows: number,
): Promise<Perplexity> {
  const { gpu, control, plan } = context;
  const { norm, mixed, head } = model;
  const { length } = states;
  const found = Array.from({ length: rows * length }, (): SliceStatistics[] => []);
  const run = (slices: readonly LinearWeight[], first: number) =>
    forEachBatch(gpu, rows, 1, async (scope, row, _, defer) => {
      await checkControl(control);
      const x = normalize(gpu, scope, await states.load(scope, row, row + 1), norm);
      const take: TakeStatistics = (token, statistics) => found[row * length + token]!.push(statistics);
      let start = first;
      for (const slice of slices) {
        const range = { start, end: Math.min(start + slice.n, plan.config.vocabSize) };
        const own = { head: slice, x, mixed, model: plan };
        defer(compareRow(gpu, [own, own], range, { length, ids }, row, take));
        start += slice.n;
      }
    });
  let done = 0;
  await head(async (slices) => {
    await run(slices, done);
    done += slices.reduce((sum, { n }) => sum + n, 0);
  });
  // The last token of a row has no next one.
  const losses = found.filter((_, i) => (i + 1) % length !== 0).map((each) => combineSlices(each).loss);
  const tokens = rows * (length - 1);
  return { value: Math.exp(losses.reduce((a, b) => a + b, 0) / tokens), tokens };
}
