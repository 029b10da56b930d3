import { padColumns } from '../exl2/packed-linear.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { Scope } from '../gpu/scope.ts';
import { type GpuTensor, view } from '../gpu/tensor.ts';
import { COMPARED, compareLogits } from '../kernels/logits/compare_logits.ts';
import type { Range } from '../model/gpu/column-slices.ts';
import type { AnyLinear } from '../model/gpu/linear.ts';
import { finishLogits, project } from '../model/gpu/ops.ts';
import type { ModelSpec } from '../model/spec.ts';
import type { SliceStatistics, TokenRows } from './token-statistics.ts';

/** Bytes of logits of one model that exist at a time. */
const LOGIT_BYTES = 64 * 2 ** 20;
/** Tokens of a piece: keeps views of the states aligned for every width. */
const PIECE = 64;

/** Positions whose logits over a vocabulary of `n` exist at a time. */
export const logitRows = (n: number): number =>
  Math.max(PIECE, Math.floor(LOGIT_BYTES / (n * 4) / PIECE) * PIECE);

/** A head for a slice of the vocabulary, and what it reads. */
export interface RowHead {
  readonly head: AnyLinear;
  /** States of a row's tokens after the final norm, (length, hidden) f32. */
  readonly x: GpuTensor;
  /** Products may round to half precision. */
  readonly mixed: boolean;
  readonly model: Pick<ModelSpec, 'logitFactor' | 'logitSoftcap'>;
}

/** Takes the statistics of a row's token, in any order of the tokens. */
export type TakeStatistics = (token: number, statistics: SliceStatistics) => void;

/**
 * Runs two models' heads for a `slice` of the vocabulary on a row of tokens, and compares what each thinks of the next
 * one; a model compared with itself gives its own loss.
 * Few logits exist at a time. All is recorded when this returns.
 * @returns when all is taken.
 */
export function compareRow(
  gpu: Gpu,
  [a, b]: readonly [RowHead, RowHead],
  slice: Range,
  { length, ids }: Pick<TokenRows, 'length' | 'ids'>,
  row: number,
  take: TakeStatistics,
): Promise<void> {
  const piece = logitRows(padColumns(slice.end - slice.start));
  const readings: Promise<void>[] = [];
  for (let start = 0; start < length; start += piece) {
    const m = Math.min(piece, length - start);
    // The last token of a row has no next token; what is given for it is not used.
    const targets = Uint32Array.from(
      { length: m },
      (_, i) => ids[row * length + Math.min(start + i + 1, length - 1)]!,
    );
    const scope = new Scope(gpu);
    try {
      const logits = (each: RowHead) => logitsOf(gpu, scope, each, start, m);
      const ofA = logits(a);
      const stats = scope.alloc([m, COMPARED], 'comparison');
      const scalars = { m, n: ofA.shape[1]!, first: slice.start, count: slice.end - slice.start };
      const tensors = { a: ofA, b: a === b ? ofA : logits(b), targets: scope.upload(targets, 'targets') };
      gpu.run(compareLogits, { ...scalars, ...tensors, stats });
      const taken = gpu.read(stats).then((bytes) => {
        const all = new Float32Array(bytes);
        for (let i = 0; i < m; i++) {
          take(start + i, { first: slice.start, stats: all.subarray(i * COMPARED, (i + 1) * COMPARED) });
        }
      });
      taken.catch(() => {}); // thrown where all are awaited
      readings.push(taken);
    } finally {
      scope.freeAll();
    }
  }
  return Promise.all(readings).then(() => {});
}

function logitsOf(
  gpu: Gpu,
  scope: Scope,
  { head, x, mixed, model }: RowHead,
  start: number,
  m: number,
): GpuTensor {
  const hidden = x.shape[1]!;
  const logits = project({ gpu, mixed }, scope, view(x, start * hidden, [m, hidden]), head);
  finishLogits(gpu, logits, model);
  return logits;
}
