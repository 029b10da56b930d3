import type { DType, TensorInfo } from '../tensor/dtype.ts';
import { InputError, UnsupportedError } from '../util/errors.ts';

export interface TensorRequirement {
  readonly name: string;
  readonly shape: readonly number[];
}

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
): readonly string[] {
  const missing = required.filter(({ name }) => !tensors.has(name));
  if (missing[0]) throw missingError(missing[0], missing.length);
  for (const requirement of required) checkTensor(requirement, tensors.get(requirement.name)!);
  const names = new Set(required.map(({ name }) => name));
  return [...tensors.keys()].filter((name) => !names.has(name) && !IGNORED.test(name)).sort();
}

function checkTensor({ name, shape }: TensorRequirement, actual: TensorInfo): void {
  if (!WEIGHT_DTYPES.includes(actual.dtype)) {
    throw new UnsupportedError(
      `tensor ${name} has dtype ${actual.dtype}; expected ${WEIGHT_DTYPES.join(', ')}: give the original, unquantized model`,
    );
  }
  const equal = actual.shape.length === shape.length && shape.every((size, i) => size === actual.shape[i]);
  if (!equal) {
    throw new InputError(
      `tensor ${name} has shape (${actual.shape.join(', ')}); config.json makes it (${shape.join(', ')}): ` +
        'config.json and weights are not of the same model',
    );
  }
}

function missingError({ name, shape }: TensorRequirement, count: number): InputError {
  const more = count > 1 ? `, nor are ${count - 1} others` : '';
  const tied = name === 'lm_head.weight' ? ' (tie_word_embeddings is false in config.json)' : '';
  return new InputError(
    `tensor ${name} (${shape.join(', ')})${tied} is not in the model's safetensors${more}; is a shard missing?`,
  );
}
