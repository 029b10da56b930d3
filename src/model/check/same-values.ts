import type { TensorSource } from '../../io/model/tensor-source.ts';
import { DTYPES, elementCount, type HostTensor } from '../../tensor/dtype.ts';
import { toFloat } from '../../tensor/float-tensor.ts';

/** Bytes of each tensor that are compared at a time. */
const PIECE_BYTES = 8 * 2 ** 20;

/** Whether two F32, F16 or BF16 tensors have the same shape and values; reads no further than the first difference. */
export async function haveSameValues(source: TensorSource, a: string, b: string): Promise<boolean> {
  const [first, second] = [source.requireInfo(a), source.requireInfo(b)];
  if (first.shape.join() !== second.shape.join()) return false;
  const rows = first.shape[0]!;
  const rowBytes = (elementCount(first.shape) / rows) * DTYPES[first.dtype].bytes;
  const step = Math.max(1, Math.floor(PIECE_BYTES / rowBytes));
  for (let start = 0; start < rows; start += step) {
    const end = Math.min(rows, start + step);
    const [left, right] = await Promise.all([source.readRows(a, start, end), source.readRows(b, start, end)]);
    if (!isSame(left, right)) return false;
  }
  return true;
}

function isSame(a: HostTensor, b: HostTensor): boolean {
  if (a.dtype !== b.dtype) return areEqual(toFloat(a, a.name).data, toFloat(b, b.name).data);
  const areWords = [a, b].every(({ data }) => data.byteOffset % 4 === 0 && data.length % 4 === 0);
  return areWords ? areEqual(wordsOf(a), wordsOf(b)) : areEqual(a.data, b.data);
}

const wordsOf = ({ data: { buffer, byteOffset, length } }: HostTensor): Int32Array =>
  new Int32Array(buffer, byteOffset, length / 4);

function areEqual(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
