import type { DType, TensorInfo } from '../../tensor/dtype.ts';
import { InputError, UnsupportedError } from '../../util/errors.ts';
import type { ModelSpec } from '../spec.ts';
import { missingTensors } from './missing-tensors.ts';
import type { TensorRequirement } from './requirement.ts';

const WEIGHT_DTYPES: readonly DType[] = ['F32', 'F16', 'BF16'];
/** Rotary frequencies and masks that old checkpoints carry; they follow from config.json and the tokens' order. */
const BUFFER = /\.rotary_emb\.inv_freq$|\.attn\.(masked_)?bias$/;

/**
 * Checks that every required tensor is there with its shape and a weight dtype.
 * @returns the names of the others, sorted, without buffers known to be harmless.
 * @throws InputError for a missing tensor or a wrong shape, UnsupportedError for another dtype.
 */
export function checkTensors(
  model: ModelSpec,
  required: readonly TensorRequirement[],
  tensors: ReadonlyMap<string, TensorInfo>,
): readonly string[] {
  const missing = required.filter(({ name }) => !tensors.has(name));
  if (missing.length > 0) throw missingTensors(model, missing, required, [...tensors.keys()]);
  for (const { name } of required) checkDType(tensors.get(name)!);
  checkVocabulary(model, tensors);
  for (const requirement of required) checkShape(requirement, tensors.get(requirement.name)!);
  const names = new Set(required.map(({ name }) => name));
  return [...tensors.keys()].filter((name) => !names.has(name) && !BUFFER.test(name)).sort();
}

/** What to do about a tensor of such a dtype. */
function adviceFor(dtype: DType): string {
  if (dtype === 'F64')
    return 'load the model and save it in BF16 or F32, which loses nothing that f16 could hold';
  return 'it is quantized already, so give the original model';
}

function checkDType({ name, dtype }: TensorInfo): void {
  if (WEIGHT_DTYPES.includes(dtype)) return;
  throw new UnsupportedError(
    `tensor ${name} has dtype ${dtype}; expected ${WEIGHT_DTYPES.join(', ')}: ${adviceFor(dtype)}`,
  );
}

/** Added tokens leave config.json and embedding of different sizes, most often. */
function checkVocabulary(
  { config: { vocabSize, hiddenSize, tiedEmbeddings }, ...model }: ModelSpec,
  tensors: ReadonlyMap<string, TensorInfo>,
): void {
  const rowsOf = (name: string): number | undefined => {
    const shape = tensors.get(name)?.shape;
    return shape?.length === 2 && shape[1] === hiddenSize ? shape[0] : undefined;
  };
  const [embedding, head] = [model.embedding, model.head.weight].map(rowsOf);
  if (embedding === undefined || head === undefined) return;
  if (!tiedEmbeddings && head !== embedding) {
    throw new InputError(
      `the embedding (${model.embedding}) has ${embedding} rows and the head (${model.head.weight}) ${head}; vocab_size in config.json is ` +
        `${vocabSize}: tokens were added to one of them alone. Load the model and call resize_token_embeddings with ` +
        'the number of tokens, then save it',
    );
  }
  if (embedding === vocabSize) return;
  throw new InputError(
    `vocab_size in config.json is ${vocabSize}, but the embedding (${model.embedding}) has ${embedding} rows: most often ` +
      `tokens were added to the model and config.json is the old one, or the reverse. If the weights are the right ` +
      `ones, set "vocab_size": ${embedding} in config.json`,
  );
}

function checkShape({ name, shape }: TensorRequirement, actual: TensorInfo): void {
  const equal = actual.shape.length === shape.length && shape.every((size, i) => size === actual.shape[i]);
  if (!equal) {
    throw new InputError(
      `tensor ${name} has shape (${actual.shape.join(', ')}); config.json makes it (${shape.join(', ')}): ` +
        'config.json and weights are not of the same model',
    );
  }
}
