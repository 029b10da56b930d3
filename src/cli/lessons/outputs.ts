import type { CalibrationMix } from '../../calibrate/mix/mix-file.ts';
import { finalStates } from '../../evaluate/final-states.ts';
import type { TokenRows } from '../../evaluate/token-statistics.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { withScope } from '../../gpu/scope.ts';
import type {
  LessonOrigin,
  StoredOutput,
  StoredOutputs,
  StoredView,
} from '../../learn/data/stored-lessons.ts';
import { finishLogits, normalize, project } from '../../model/gpu/ops.ts';
import { loadFinalNorm, loadHeadSlice } from '../../runnable/load.ts';
import type { RunnableModel } from '../../runnable/runnable-model.ts';
import { storedBits } from '../../runnable/stored-bits.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { InputError } from '../../util/errors.ts';

/** Texts, and the tokens of each, which begins with the model's own beginning of a text. */
const TEXTS = 4;
const LENGTH = 64;
/** Tokens that are kept of what a model thinks. */
const TOP = 6;
/** Digits of probabilities and divergences. */
const DIGITS = 4;

/** What `models` (the original, then its outputs) think of each token of the first held-out tales. */
export async function storedOutputs(
  gpu: Gpu,
  models: readonly RunnableModel[],
  tokenizer: Tokenizer,
  mix: CalibrationMix,
  made: LessonOrigin,
): Promise<StoredOutputs> {
  const rows = heldOutRows(tokenizer, mix);
  const outputs: StoredOutput[] = [];
  let original: Float64Array | undefined;
  for (const model of models) {
    const probabilities = await nextProbabilities(gpu, model, rows);
    original ??= probabilities;
    outputs.push(describeOutput(model, probabilities, original, rows));
  }
  const texts = Array.from({ length: rows.rows }, (_, row) => [
    ...rows.ids.subarray(row * rows.length, (row + 1) * rows.length),
  ]);
  const ids = outputs.flatMap(({ views }) => views.flat().flatMap(({ top }) => top.map(([id]) => id)));
  const words = Object.fromEntries([...texts.flat(), ...ids].map((id) => [id, wordOf(tokenizer, id)]));
  return { made, texts, words, outputs };
}

function heldOutRows(tokenizer: Tokenizer, mix: CalibrationMix): TokenRows {
  const bos = tokenizer.bosId === undefined ? [] : [tokenizer.bosId];
  const ids = mix.heldOut
    .filter(({ category }) => category === 'tales')
    .map(({ text }) => [...bos, ...tokenizer.encode(text)].slice(0, LENGTH))
    .filter(({ length }) => length === LENGTH)
    .slice(0, TEXTS);
  if (ids.length < TEXTS)
    throw new InputError(
      `The mix has ${ids.length} held-out tales of ${LENGTH} tokens; ${TEXTS} are needed.`,
    );
  return { rows: TEXTS, length: LENGTH, ids: Int32Array.from(ids.flat()) };
}

/** A token as it stands in a text; the space before a word is seen only after another token. */
function wordOf(tokenizer: Tokenizer, id: number): string {
  const before = tokenizer.encode('a').slice(-1);
  return tokenizer.decode([...before, id]).slice(tokenizer.decode(before).length);
}

/** Probabilities (rows · length, vocabulary) of the token after each. */
async function nextProbabilities(gpu: Gpu, model: RunnableModel, rows: TokenRows): Promise<Float64Array> {
  const states = await finalStates(gpu, model, rows);
  try {
    return await withScope(gpu, async (scope) => {
      const norm = await loadFinalNorm(scope, model);
      const { vocabSize } = model.outline.config;
      const head = await loadHeadSlice(gpu, scope, model, { start: 0, end: vocabSize });
      const x = normalize(gpu, scope, await states.load(scope, 0, rows.rows), norm);
      const logits = project({ gpu, mixed: false }, scope, x, head);
      finishLogits(gpu, logits, model.outline);
      return softmax(new Float32Array(await gpu.read(logits)), logits.shape[1]!, vocabSize);
    });
  } finally {
    await states.free();
  }
}

/** Rows (m, count) of probabilities from logits (m, padded). */
function softmax(logits: Float32Array, padded: number, count: number): Float64Array {
  const m = logits.length / padded;
  const all = new Float64Array(m * count);
  for (let row = 0; row < m; row++) {
    const own = logits.subarray(row * padded, row * padded + count);
    const highest = own.reduce((a, b) => Math.max(a, b));
    const powers = Float64Array.from(own, (value) => Math.exp(value - highest));
    const sum = powers.reduce((a, b) => a + b);
    all.set(
      powers.map((power) => power / sum),
      row * count,
    );
  }
  return all;
}

function describeOutput(
  model: RunnableModel,
  probabilities: Float64Array,
  original: Float64Array,
  { rows, length, ids }: TokenRows,
): StoredOutput {
  const count = probabilities.length / (rows * length);
  const own = (all: Float64Array, at: number) => all.subarray(at * count, (at + 1) * count);
  const view = (at: number): StoredView => viewOf(own(probabilities, at), own(original, at), ids[at + 1]!);
  const { quantization, source } = model;
  return {
    ...(quantization?.bits !== undefined && { bits: quantization.bits }),
    bitsPerWeight: Number((storedBits(model) ?? 16).toFixed(3)),
    bytes: source.weightFiles().reduce((sum, { size }) => sum + size, 0),
    views: Array.from({ length: rows }, (_, row) =>
      Array.from({ length: length - 1 }, (_, position) => view(row * length + position)),
    ),
  };
}

function viewOf(own: Float64Array, original: Float64Array, next: number): StoredView {
  const round = (value: number) => Number(value.toPrecision(DIGITS));
  const top = Array.from(own, (probability, id) => [id, probability] as const)
    .sort(([, a], [, b]) => b - a)
    .slice(0, TOP)
    .map(([id, probability]) => [id, round(probability)] as const);
  let divergence = 0;
  for (const [id, p] of original.entries()) if (p > 0) divergence += p * Math.log(p / own[id]!);
  return { top, next: round(own[next]!), divergence: round(Math.max(0, divergence)) };
}
