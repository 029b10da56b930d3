import type { HostTensor } from '../tensor/dtype.ts';
import { InputError } from '../util/errors.ts';
import type { CalibrationRows } from './rows.ts';

/** The name under which token rows are stored in a safetensors file; ExLlamaV2 uses the same. */
export const ROWS_TENSOR = 'input_ids';

/** The rows as ExLlamaV2 stores them: `input_ids`, int64 (rows, length). */
export function rowsToTensor({ rows, length, ids }: CalibrationRows): HostTensor {
  const wide = BigInt64Array.from(ids, BigInt);
  return {
    name: ROWS_TENSOR,
    dtype: 'I64',
    shape: [rows, length],
    data: new Uint8Array(wide.buffer),
  };
}

/**
 * The rows in a tensor (rows, length) of int64 or int32 token ids from the file `name`.
 * Throws InputError for another dtype or shape, and for an id that is not in [0, vocabSize).
 */
export function rowsFromTensor(tensor: HostTensor, name: string, vocabSize: number): CalibrationRows {
  const [rows, length] = tensor.shape;
  const isIds = tensor.dtype === 'I64' || tensor.dtype === 'I32';
  if (!isIds || tensor.shape.length !== 2 || !rows || !length) {
    throw new InputError(
      `${name}: ${tensor.name} is ${tensor.dtype} (${tensor.shape.join(', ')}); token rows must be I64 or I32 of shape (rows, length).`,
    );
  }
  const ids = tensor.dtype === 'I64' ? narrow(tensor.data) : new Int32Array(tensor.data.slice().buffer);
  const bad = ids.findIndex((id) => id < 0 || id >= vocabSize);
  if (bad >= 0) {
    const at = `row ${Math.floor(bad / length)}, position ${bad % length}`;
    throw new InputError(
      `${name}: ${tensor.name} has a token id outside 0 … ${vocabSize - 1} at ${at}. Were the rows made with another model's tokenizer? Make them again with this model's.`,
    );
  }
  return { rows, length, ids, sources: new Array<string>(rows).fill(name) };
}

/** int64 to int32; what does not fit becomes −1, which is no token id. */
function narrow(bytes: Uint8Array): Int32Array {
  const wide = new BigInt64Array(bytes.slice().buffer);
  return Int32Array.from(wide, (id) => (BigInt.asIntN(32, id) === id ? Number(id) : -1));
}
