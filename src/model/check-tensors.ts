import type { DType, TensorInfo } from '../tensor/dtype.ts';
import { InputError, UnsupportedError } from '../util/errors.ts';
import { type MissingContext, missingTensors } from './missing-tensors.ts';
import type { TensorRequirement } from './requirement.ts';
import { EMBEDDING, HEAD_WEIGHT } from './tensor-names.ts';

const WEIGHT_DTYPES: readonly DType[] = ['F32', 'F16', 'BF16'];
/** Rotary frequencies that old checkpoints carry; they are computed from config.json instead. */
const IGNORED = /\.rotary_emb\.inv_freq$/;

/**
 * Checks that every required tensor is there with its shape and a weight dtype.
 * @returns the names of the others, sorted, without buffers known to be harmless.
 * @throws InputError for a missing tensor or a wrong shape, UnsupportedError for another dtype.
 */
export function checkTensors(
  required: readonly TensorRequirement[],
  tensors: ReadonlyMap<string, TensorInfo>,
  context: MissingContext,
): readonly string[] {
  const missing = required.filter(({ name }) => !tensors.has(name));
  if (missing.length > 0) throw missingTensors(missing, required, [...tensors.keys()], context);
  for (const { name } of required) checkDType(tensors.get(name)!);
  checkVocabulary(required, tensors);
  for (const requirement of required) checkShape(requirement, tensors.get(requirement.name)!);
  const names = new Set(required.map(({ name }) => name));
  return [...tensors.keys()].filter((name) => !names.has(name) && !IGNORED.test(name)).sort();
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
  required: readonly TensorRequirement[],
  tensors: ReadonlyMap<string, TensorInfo>,
): void {
  const rowsOf = (name: string): number | undefined => {
    const shape = tensors.get(name)?.shape;
    const expected = required.find((requirement) => requirement.name === name)?.shape;
    return shape?.length === 2 && shape[1] === expected?.[1] ? shape[0] : undefined;
  };
  const [vocabSize] = required.find(({ name }) => name === EMBEDDING)!.shape;
  const [embedding, head] = [EMBEDDING, HEAD_WEIGHT].map(rowsOf);
  const isHeadNeeded = required.some(({ name }) => name === HEAD_WEIGHT);
  if (embedding === undefined || (isHeadNeeded && head === undefined)) return;
  if (isHeadNeeded && head !== embedding) {
    throw new InputError(
      `the embedding (${EMBEDDING}) has ${embedding} rows and the head (${HEAD_WEIGHT}) ${head}; vocab_size in config.json is ` +
        `${vocabSize}: tokens were added to one of them alone. Load the model and call resize_token_embeddings with ` +
        'the number of tokens, then save it',
    );
  }
  if (embedding === vocabSize) return;
  throw new InputError(
    `vocab_size in config.json is ${vocabSize}, but the embedding (${EMBEDDING}) has ${embedding} rows: most often ` +
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
