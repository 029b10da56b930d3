import { padColumns } from '../exl2/packed-linear.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import { type GpuTensor, view } from '../gpu/tensor.ts';
import { COMPARED, compareLogits } from '../kernels/model/compare_logits.ts';
import { type ForwardContext, forwardContext, normalize, project } from '../model/forward.ts';
import { forEachBatch, type HiddenStates } from '../model/states.ts';
import { type Range, sliceColumns } from '../model/weights.ts';
import { InputError } from '../util/errors.ts';
import type { OnStep, TokenRows } from './final-states.ts';
import { type LoadedHead, loadHead } from './load.ts';
import type { EvaluatedModel } from './open-model.ts';
import { combineSlices, rowStatistics, type TokenComparison } from './token-statistics.ts';

/** A model with what it made of the rows, before the final norm. */
export interface ModelStates {
  readonly model: EvaluatedModel;
  readonly states: HiddenStates;
}

/** Bytes of logits of one model that exist at a time. */
const LOGIT_BYTES = 64 * 2 ** 20;
/** Tokens of a piece: keeps views of the states aligned for every width. */
const PIECE = 64;

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
): Promise<TokenComparison[]> {
  checkVocabularies(reference.model, other.model);
  const slices = sharedSlices(reference.model, other.model);
  const tokens: TokenComparison[] = [];
  await withScope(gpu, async (scope) => {
    const a = await openHead(gpu, scope, reference, rows.length, slices);
    const b = await openHead(gpu, scope, other, rows.length, slices);
    await forEachBatch(gpu, rows.rows, 1, async (batch, row) => {
      await onStep(row, rows.rows);
      tokens.push(...(await compareRow(gpu, batch, [a, b], slices, rows, row)));
    });
  });
  return tokens;
}

function checkVocabularies(reference: EvaluatedModel, other: EvaluatedModel): void {
  const [expected, actual] = [reference, other].map(({ outline }) => outline.config.vocabSize);
  if (expected === actual) return;
  throw new InputError(
    `${other.name} has a vocabulary of ${actual} words and ${reference.name} one of ${expected}: compare a model with ` +
      'the original that it was made from.',
  );
}

/** Slices of the vocabulary that suit both heads. */
function sharedSlices(...models: readonly EvaluatedModel[]): Range[] {
  const heads = models.map(({ outline }) => outline.head);
  return sliceColumns({ ...heads[0]!, k: Math.max(...heads.map(({ k }) => k)) });
}

interface OpenHead {
  readonly forward: ForwardContext;
  readonly head: LoadedHead;
  readonly states: HiddenStates;
}

async function openHead(
  gpu: Gpu,
  scope: Scope,
  { model, states }: ModelStates,
  length: number,
  slices: readonly Range[],
): Promise<OpenHead> {
  const forward = forwardContext(gpu, scope, model.outline.config, length);
  return { forward, head: await loadHead(gpu, scope, model, slices), states };
}

async function compareRow(
  gpu: Gpu,
  scope: Scope,
  heads: readonly [OpenHead, OpenHead],
  slices: readonly Range[],
  { length, ids }: TokenRows,
  row: number,
): Promise<TokenComparison[]> {
  const [a, b] = heads.map(({ forward, head, states }) =>
    normalize(forward, scope, states.load(scope, row, row + 1), head.norm),
  ) as [GpuTensor, GpuTensor];
  const widest = Math.max(...slices.map(({ start, end }) => padColumns(end - start)));
  const piece = Math.max(PIECE, Math.floor(LOGIT_BYTES / (widest * 4) / PIECE) * PIECE);
  const tokens: TokenComparison[] = [];
  for (let start = 0; start < length; start += piece) {
    const m = Math.min(piece, length - start);
    // The last token of a row has no next word; what is given for it is not used.
    const targets = Uint32Array.from(
      { length: m },
      (_, i) => ids[row * length + Math.min(start + i + 1, length - 1)]!,
    );
    const inputs = [a, b].map((x) => view(x, start * x.shape[1]!, [m, x.shape[1]!])) as [
      GpuTensor,
      GpuTensor,
    ];
    const stats: Float32Array[] = [];
    for (let i = 0; i < slices.length; i++) {
      stats.push(await compareSlice(gpu, heads, inputs, slices[i]!, i, targets));
    }
    for (let i = 0; i < m; i++) {
      const parts = stats.map((all, s) => ({ first: slices[s]!.start, stats: rowStatistics(all, i) }));
      tokens.push(combineSlices(parts));
    }
  }
  return tokens;
}

/** Runs both heads' slice `index` on a piece of the tokens. */
function compareSlice(
  gpu: Gpu,
  heads: readonly [OpenHead, OpenHead],
  inputs: readonly [GpuTensor, GpuTensor],
  { start, end }: Range,
  index: number,
  targets: Uint32Array<ArrayBuffer>,
): Promise<Float32Array> {
  return withScope(gpu, async (scope) => {
    const [a, b] = heads.map(({ forward, head }, i) =>
      project(forward, scope, inputs[i]!, head.slices[index]!),
    ) as [GpuTensor, GpuTensor];
    const [m, n] = a.shape as [number, number];
    const stats = scope.alloc([m, COMPARED], 'comparison');
    const words = { first: start, count: end - start };
    gpu.run(compareLogits, { m, n, ...words, a, b, targets: scope.upload(targets, 'targets'), stats });
    return new Float32Array(await gpu.read(stats));
  });
}
