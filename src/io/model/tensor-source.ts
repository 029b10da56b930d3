import type { HostTensor, TensorInfo } from '../../tensor/dtype.ts';
import type { FloatTensor } from '../../tensor/float-tensor.ts';

/** Reads of tensors by name; each takes only the bytes asked for, and throws InputError when there is no such tensor. */
export interface TensorReader {
  /** @param target of the tensor's size, which may take its bytes; or they have a buffer of their own. */
  read(name: string, target?: Uint8Array<ArrayBuffer>): Promise<HostTensor>;
  /** Elements [rowStart, rowEnd) of the leading dimension, as a tensor of shape (rowEnd − rowStart, …); `target` of its size. */
  readRows(
    name: string,
    rowStart: number,
    rowEnd: number,
    target?: Uint8Array<ArrayBuffer>,
  ): Promise<HostTensor>;
  /** The first and the last `count` bytes of a tensor, one after the other; all bytes of a smaller one. */
  readEnds(name: string, count: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** Tensors by name, wherever they are stored. */
export interface TensorSource extends Pick<TensorReader, 'read' | 'readRows'> {
  /** All names, file by file in the order of their data. */
  names(): readonly string[];
  has(name: string): boolean;
  info(name: string): TensorInfo | undefined;
  /** As `info`; throws InputError with the nearest names when there is no such tensor. So do all reads. */
  requireInfo(name: string): TensorInfo;
  /** F32, F16 or BF16 as f32; throws UnsupportedError for other dtypes. */
  readFloat(name: string): Promise<FloatTensor>;
}
