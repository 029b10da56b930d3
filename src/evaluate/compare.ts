import { padColumns } from '../exl2/packed-linear.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import { type GpuTensor, view } from '../gpu/tensor.ts';
import { COMPARED, compareLogits } from '../kernels/logits/compare_logits.ts';
import { forEachBatch } from '../model/gpu/batches.ts';
import type { AnyLinear } from '../model/gpu/linear.ts';
import { normalize, project } from '../model/gpu/ops.ts';
import type { HiddenStates } from '../model/gpu/states.ts';
import { type NormWeight, type Range, sliceBytes, sliceColumns } from '../model/gpu/weights.ts';
import { loadFinalNorm, loadHeadSlice } from '../runnable/load.ts';
import type { RunnableModel } from '../runnable/runnable-model.ts';
import { InputError } from '../util/errors.ts';
import type { OnStep, TokenRows } from './final-states.ts';
import {
  combineSlices,
  rowStatistics,
  type SliceStatistics,
  type TokenComparison,
} from './token-statistics.ts';

/** A model with what it made of the rows, before the final norm. */
export interface ModelStates {
  readonly model: RunnableModel;
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
  const slices = sharedSlices(gpu, [reference.model, other.model]);
  const found: SliceStatistics[][] = Array.from({ length: rows.rows * rows.length }, () => []);
  for (const [index, words] of slices.entries()) {
    await withScope(gpu, async (scope) => {
      const a = await openHead(gpu, scope, reference, words);
      const b = other === reference ? a : await openHead(gpu, scope, other, words);
      await forEachBatch(gpu, rows.rows, 1, async (batch, row, _, later) => {
        await onStep(index * rows.rows + row, slices.length * rows.rows);
        const take = (stats: Float32Array, start: number) => {
          for (let i = 0; i < stats.length / COMPARED; i++) {
            found[row * rows.length + start + i]!.push({
              first: words.start,
              stats: rowStatistics(stats, i),
            });
          }
        };
        await compareRow(gpu, batch, [a, b], words, rows, row, (reading, start) =>
          later(reading.then((bytes) => take(new Float32Array(bytes), start))),
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
    `${other.name} has a vocabulary of ${actual} words and ${reference.name} one of ${expected}: compare a model with ` +
      'the original that it was made from.',
  );
}

/** Slices of the vocabulary that suit both heads. */
function sharedSlices(gpu: Gpu, models: readonly RunnableModel[]): Range[] {
  const heads = models.map(({ outline }) => outline.head);
  return sliceColumns({ ...heads[0]!, k: Math.max(...heads.map(({ k }) => k)) }, sliceBytes(gpu));
}

/** A model's final norm and its head for some words. */
interface OpenHead {
  readonly norm: NormWeight;
  readonly head: AnyLinear;
  readonly states: HiddenStates;
}

async function openHead(
  gpu: Gpu,
  scope: Scope,
  { model, states }: ModelStates,
  words: Range,
): Promise<OpenHead> {
  const norm = await loadFinalNorm(scope, model);
  return { norm, head: await loadHeadSlice(gpu, scope, model, words), states };
}

/** Records the comparison of a row; `taken` gets the kernel's numbers for each piece of it, once they are read. */
async function compareRow(
  gpu: Gpu,
  scope: Scope,
  heads: readonly [OpenHead, OpenHead],
  words: Range,
  { length, ids }: TokenRows,
  row: number,
  taken: (reading: Promise<ArrayBuffer>, start: number) => void,
): Promise<void> {
  const states = heads.map(({ norm, states }) =>
    normalize(gpu, scope, states.load(scope, row, row + 1), norm, norm.w),
  );
  const width = padColumns(words.end - words.start);
  const piece = Math.max(PIECE, Math.floor(LOGIT_BYTES / (width * 4) / PIECE) * PIECE);
  for (let start = 0; start < length; start += piece) {
    const m = Math.min(piece, length - start);
    // The last token of a row has no next word; what is given for it is not used.
    const targets = Uint32Array.from(
      { length: m },
      (_, i) => ids[row * length + Math.min(start + i + 1, length - 1)]!,
    );
    const inputs = states.map((x) => view(x, start * x.shape[1]!, [m, x.shape[1]!]));
    await withScope(gpu, (pieceScope) => {
      const stats = comparePiece(gpu, pieceScope, heads, inputs as [GpuTensor, GpuTensor], words, targets);
      taken(gpu.read(stats), start);
    });
  }
}

/** Runs both heads on a piece of the tokens: (tokens, COMPARED). */
function comparePiece(
  gpu: Gpu,
  scope: Scope,
  heads: readonly [OpenHead, OpenHead],
  inputs: readonly [GpuTensor, GpuTensor],
  { start, end }: Range,
  targets: Uint32Array<ArrayBuffer>,
): GpuTensor {
  const logits = heads.map(({ head }, i) => project({ gpu, mixed: false }, scope, inputs[i]!, head));
  const [a, b] = logits as [GpuTensor, GpuTensor];
  const [m, n] = a.shape as [number, number];
  const stats = scope.alloc([m, COMPARED], 'comparison');
  const scalars = { m, n, first: start, count: end - start };
  gpu.run(compareLogits, { ...scalars, a, b, targets: scope.upload(targets, 'targets'), stats });
  return stats;
}
