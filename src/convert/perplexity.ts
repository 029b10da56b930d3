import { withScope } from '../gpu/scope.ts';
import { type GpuTensor, view } from '../gpu/tensor.ts';
import { crossEntropy } from '../kernels/model/cross_entropy.ts';
import { type ForwardContext, normalize, project } from '../model/forward.ts';
import { forEachBatch, type HiddenStates } from '../model/states.ts';
import type { LinearWeight } from '../model/weights.ts';
import type { StageContext } from './context.ts';
import { checkControl } from './control.ts';

/** Bytes of logits that exist at a time. */
const LOGIT_BYTES = 128 * 2 ** 20;
/** Tokens of a piece: keeps views of the states aligned for every width. */
const PIECE = 64;

/** The final norm and the head. */
export interface HeadModel {
  readonly forward: ForwardContext;
  readonly norm: GpuTensor;
  readonly head: LinearWeight;
}

/**
 * exp of the mean negative log-likelihood of each next token within its row, over the first `rows` rows.
 * @param states before the final norm. @param ids (rows, length) token ids.
 */
export async function perplexity(
  context: StageContext,
  { forward, norm, head }: HeadModel,
  states: HiddenStates,
  ids: Int32Array,
  rows: number,
): Promise<{ value: number; tokens: number }> {
  const { gpu, control } = context;
  const { length } = states;
  let total = 0;
  await forEachBatch(gpu, rows, 1, async (scope, row) => {
    await checkControl(control);
    const normed = normalize(forward, scope, states.load(scope, row, row + 1), norm);
    const targets = Uint32Array.from({ length }, (_, i) => ids[row * length + Math.min(i + 1, length - 1)]!);
    const losses = await tokenLosses(context, forward, normed, head, targets);
    // The last token of a row has no next one.
    for (let i = 0; i < length - 1; i++) total += losses[i]!;
  });
  const tokens = rows * (length - 1);
  return { value: Math.exp(total / tokens), tokens };
}

/** Loss of each token of `normed` (tokens, hidden), a few at a time so that few logits exist at once. */
async function tokenLosses(
  { gpu, plan }: StageContext,
  forward: ForwardContext,
  normed: GpuTensor,
  head: LinearWeight,
  targets: Uint32Array<ArrayBuffer>,
): Promise<Float32Array> {
  const [tokens, hidden] = normed.shape as [number, number];
  const losses = new Float32Array(tokens);
  const piece = Math.max(PIECE, Math.floor(LOGIT_BYTES / (head.n * 4) / PIECE) * PIECE);
  for (let start = 0; start < tokens; start += piece) {
    const m = Math.min(piece, tokens - start);
    await withScope(gpu, async (scope) => {
      const logits = project(forward, scope, view(normed, start * hidden, [m, hidden]), head);
      const loss = scope.alloc([m], 'losses');
      const pieceTargets = scope.upload(targets.slice(start, start + m), 'targets');
      const vocabulary = plan.config.vocabSize;
      gpu.run(crossEntropy, { m, n: head.n, vocabulary, logits, targets: pieceTargets, loss });
      losses.set(new Float32Array(await gpu.read(loss)), start);
    });
  }
  return losses;
}
