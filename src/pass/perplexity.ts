import { withScope } from '../gpu/scope.ts';
import { type GpuTensor, view } from '../gpu/tensor.ts';
import type { StageContext } from '../job/context.ts';
import { checkControl } from '../job/control.ts';
import { softmaxStats } from '../kernels/logits/softmax_stats.ts';
import { forEachBatch, type Later } from '../model/gpu/batches.ts';
import { normalize, project } from '../model/gpu/ops.ts';
import type { HiddenStates } from '../model/gpu/states.ts';
import type { LinearWeight, NormWeight } from '../model/gpu/weights.ts';

/** Bytes of logits that exist at a time. */
const LOGIT_BYTES = 128 * 2 ** 20;
/** Tokens of a piece: keeps views of the states aligned for every width. */
const PIECE = 64;

/** Tokens whose logits over `n` words exist at a time. */
export const logitRows = (n: number): number =>
  Math.max(PIECE, Math.floor(LOGIT_BYTES / (n * 4) / PIECE) * PIECE);

/** The final norm and the head. */
export interface HeadModel {
  /** Products may round to half precision. */
  readonly mixed: boolean;
  readonly norm: NormWeight;
  /** In slices of the vocabulary. */
  readonly head: readonly LinearWeight[];
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
  const { gpu, control } = context;
  const { norm } = model;
  const { length } = states;
  const losses: Float64Array[] = [];
  await forEachBatch(gpu, rows, 1, async (scope, row, _, later) => {
    await checkControl(control);
    const normed = normalize(gpu, scope, states.load(scope, row, row + 1), norm, norm.w);
    const targets = Uint32Array.from({ length }, (_, i) => ids[row * length + Math.min(i + 1, length - 1)]!);
    losses[row] = await recordLosses(context, model, normed, targets, later);
  });
  let total = 0;
  // The last token of a row has no next one.
  for (const row of losses) for (let i = 0; i < length - 1; i++) total += row[i]!;
  const tokens = rows * (length - 1);
  return { value: Math.exp(total / tokens), tokens };
}

/** Loss of each token of `normed` (tokens, hidden), in nats, filled in later; few logits exist at a time. */
async function recordLosses(
  { gpu, plan }: StageContext,
  { mixed, head }: HeadModel,
  normed: GpuTensor,
  targets: Uint32Array<ArrayBuffer>,
  later: Later,
): Promise<Float64Array> {
  const [tokens, hidden] = normed.shape as [number, number];
  const losses = new Float64Array(tokens);
  const piece = logitRows(Math.max(...head.map(({ n }) => n)));
  for (let start = 0; start < tokens; start += piece) {
    const m = Math.min(piece, tokens - start);
    const reading: Promise<ArrayBuffer>[] = [];
    let first = 0;
    for (const slice of head) {
      const words = { first, count: Math.min(slice.n, plan.config.vocabSize - first) };
      const input = view(normed, start * hidden, [m, hidden]);
      await withScope(gpu, (scope) => {
        const logits = project({ gpu, mixed }, scope, input, slice);
        const result = scope.alloc([m, 3], 'softmax statistics');
        const pieceTargets = scope.upload(targets.slice(start, start + m), 'targets');
        gpu.run(softmaxStats, { m, n: slice.n, ...words, logits, targets: pieceTargets, stats: result });
        reading.push(gpu.read(result));
        later(reading.at(-1)!);
      });
      first += slice.n;
    }
    later(Promise.all(reading).then((stats) => fillLosses(losses, start, stats)));
  }
  return losses;
}

/** From the statistics (m, 3) of each slice. */
function fillLosses(losses: Float64Array, start: number, stats: readonly ArrayBuffer[]): void {
  const slices = stats.map((bytes) => new Float32Array(bytes));
  for (let i = 0; i < slices[0]!.length / 3; i++) {
    losses[start + i] = logLoss(slices.map((slice) => slice.subarray(i * 3, i * 3 + 3)));
  }
}

/** −log p of the target from each slice's maximum, sum and target logit (0 in all but one slice). */
export function logLoss(slices: readonly Float32Array[]): number {
  const highest = Math.max(...slices.map(([maximum]) => maximum!));
  const sum = slices.reduce((total, [maximum, part]) => total + part! * Math.exp(maximum! - highest), 0);
  return Math.log(sum) + highest - slices.reduce((total, [, , logit]) => total + logit!, 0);
}
