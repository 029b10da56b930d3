import { UnsupportedError } from '../util/errors.ts';
import { bf16ToF32Array, f16ToF32Array } from '../util/half.ts';
import type { HostTensor } from './dtype.ts';

/** A tensor as f32 values in C order. */
export interface FloatTensor {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/**
 * The values of an F32, F16 or BF16 tensor as f32, exact. F32 is a view of the same bytes where they are aligned.
 *
 * @throws UnsupportedError for other dtypes; `file` is named in the message.
 */
export function toFloat(tensor: HostTensor, file: string): FloatTensor {
  return { data: floatValues(tensor, file), shape: tensor.shape };
}

function floatValues({ name, dtype, data }: HostTensor, file: string): Float32Array {
  const { buffer, byteOffset, length } = data.byteOffset % 4 === 0 ? data : data.slice();
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer, byteOffset, length / 4);
    case 'F16':
      return f16ToF32Array(new Uint16Array(buffer, byteOffset, length / 2));
    case 'BF16':
      return bf16ToF32Array(new Uint16Array(buffer, byteOffset, length / 2));
    default:
      throw new UnsupportedError(
        `Tensor ${JSON.stringify(name)} in ${file} is ${dtype}; expected F32, F16 or BF16. ` +
          'Convert the original, unquantized model.',
      );
  }
}
