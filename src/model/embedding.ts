import type { TensorSource } from '../io/tensor-source.ts';
import { toFloat } from '../tensor/float-tensor.ts';
import { InputError } from '../util/errors.ts';
import type { ModelOutline } from './plan.ts';
import type { HiddenStates } from './states.ts';

/** Bytes of the table that are read at a time. */
const READ_BYTES = 64 * 2 ** 20;

/**
 * Fills the states with the token embeddings, reading the table once, piece by piece.
 * @param ids token ids, (rows, length).
 */
export async function embedTokens(
  source: TensorSource,
  plan: ModelOutline,
  ids: Int32Array,
  states: HiddenStates,
): Promise<void> {
  const { hiddenSize } = plan.config;
  const vectors = await readEmbeddings(source, plan, ids);
  for (let row = 0; row < states.rows; row++) {
    const data = new Float32Array(states.length * hiddenSize);
    for (let i = 0; i < states.length; i++)
      data.set(vectors.get(ids[row * states.length + i]!)!, i * hiddenSize);
    states.writeRow(row, data);
  }
}

/** The embedding, (hidden), of every id that occurs. Throws InputError for one that the model does not have. */
export async function readEmbeddings(
  source: TensorSource,
  { config, embedding: table }: ModelOutline,
  ids: Int32Array,
): Promise<ReadonlyMap<number, Float32Array>> {
  const { vocabSize, hiddenSize: hidden } = config;
  const wrong = ids.find((id) => id < 0 || id >= vocabSize);
  if (wrong !== undefined) {
    throw new InputError(
      `Token ${wrong} in the rows is outside the model's vocabulary of ${vocabSize}: tokenizer.json or the file of rows belongs to another model.`,
    );
  }
  const wanted = [...new Set(ids)].sort((a, b) => a - b);
  const vectors = new Map<number, Float32Array>();
  const span = Math.max(1, Math.floor(READ_BYTES / (hidden * 4)));
  for (let i = 0; i < wanted.length; ) {
    const first = wanted[i]!;
    let last = i;
    while (last + 1 < wanted.length && wanted[last + 1]! - first < span) last++;
    const { data } = toFloat(await source.readRows(table, first, wanted[last]! + 1), table);
    for (; i <= last; i++) {
      const start = (wanted[i]! - first) * hidden;
      vectors.set(wanted[i]!, data.slice(start, start + hidden));
    }
  }
  return vectors;
}
