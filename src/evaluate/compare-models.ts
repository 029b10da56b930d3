import { type TellShortage, withEnoughMemory } from '../gpu/enough-memory.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import { forEachBatch } from '../model/gpu/batches.ts';
import type { Range } from '../model/gpu/column-slices.ts';
import type { AnyLinear } from '../model/gpu/linear.ts';
import { normalize } from '../model/gpu/ops.ts';
import type { HiddenStates } from '../model/gpu/states/states.ts';
import { headSliceBytes, headSlices, type NormWeight } from '../model/gpu/weights.ts';
import type { ModelSpec } from '../model/spec.ts';
import { loadFinalNorm, loadHeadSlice } from '../runnable/load.ts';
import type { RunnableModel } from '../runnable/runnable-model.ts';
import { InputError } from '../util/errors.ts';
import { compareRow, type RowHead } from './compare-row.ts';
import type { OnStep } from './final-states.ts';
import type { TokenRows } from './token-statistics.ts';
import { combineSlices, type SliceStatistics, type TokenComparison } from './token-statistics.ts';

/** A model with what it made of the rows, before the final norm. */
export interface ModelStates {
  readonly model: RunnableModel;
  readonly states: HiddenStates;
}

/**
 * How `other` differs from `reference` at every token of the rows, (rows · length) in order. Few logits exist at a
 * time: pieces of the tokens by slices of the vocabulary.
 * @throws InputError when the models have different vocabularies.
 */
export async function compareTokens(
  gpu: Gpu,
  reference: ModelStates,
  other: ModelStates,
  rows: TokenRows,
  onStep: OnStep = () => {},
  tell?: TellShortage,
): Promise<TokenComparison[]> {
  checkVocabularies(reference.model, other.model);
  const movable = [...new Set([reference.states, other.states])];
  const request = { what: `the comparison with ${reference.model.name}`, movable, tell };
  return withEnoughMemory(gpu, request, () => compareOnce(gpu, reference, other, rows, onStep));
}

async function compareOnce(
  gpu: Gpu,
  reference: ModelStates,
  other: ModelStates,
  rows: TokenRows,
  onStep: OnStep,
): Promise<TokenComparison[]> {
  const slices = sharedSlices(gpu, [reference.model, other.model]);
  const found: SliceStatistics[][] = Array.from({ length: rows.rows * rows.length }, () => []);
  for (const [index, slice] of slices.entries()) {
    await withScope(gpu, async (scope) => {
      const a = await openHead(gpu, scope, reference, slice);
      const b = other === reference ? a : await openHead(gpu, scope, other, slice);
      await forEachBatch(gpu, rows.rows, 1, async (batch, row, _, defer) => {
        await onStep(index * rows.rows + row, slices.length * rows.rows);
        const own = await rowHead(gpu, batch, a, row);
        const heads = [own, a === b ? own : await rowHead(gpu, batch, b, row)] as const;
        defer(
          compareRow(gpu, heads, slice, rows, row, (token, statistics) =>
            found[row * rows.length + token]!.push(statistics),
          ),
        );
      });
    });
  }
  return found.map(combineSlices);
}

/** Throws InputError when they have different vocabularies. */
export function checkVocabularies(reference: RunnableModel, other: RunnableModel): void {
  const [expected, actual] = [reference, other].map(({ outline }) => outline.config.vocabSize);
  if (expected === actual) return;
  throw new InputError(
    `${other.name} has a vocabulary of ${actual} tokens and ${reference.name} one of ${expected}: compare a model with ` +
      'the original that it was made from.',
  );
}

/** Slices of the vocabulary that suit both heads. */
function sharedSlices(gpu: Gpu, models: readonly RunnableModel[]): Range[] {
  const heads = models.map(({ outline }) => outline.head);
  return headSlices({ n: heads[0]!.n, k: Math.max(...heads.map(({ k }) => k)) }, headSliceBytes(gpu));
}

/** A model's final norm and its head for a slice of the vocabulary. */
interface OpenHead {
  readonly norm: NormWeight;
  readonly head: AnyLinear;
  readonly states: HiddenStates;
  readonly outline: ModelSpec;
}

async function openHead(
  gpu: Gpu,
  scope: Scope,
  { model, states }: ModelStates,
  slice: Range,
): Promise<OpenHead> {
  const norm = await loadFinalNorm(scope, model);
  return { norm, head: await loadHeadSlice(gpu, scope, model, slice), states, outline: model.outline };
}

const rowHead = async (
  gpu: Gpu,
  scope: Scope,
  { norm, head, states, outline }: OpenHead,
  row: number,
): Promise<RowHead> => ({
  x: normalize(gpu, scope, await states.load(scope, row, row + 1), norm),
  ...{ head, mixed: false, model: outline },
});
