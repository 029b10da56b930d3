import type { HostTensor, TensorInfo } from '../../tensor/dtype.ts';
import type { FloatTensor } from '../../tensor/float-tensor.ts';

/** Tensors by name, wherever they are stored; a read takes only the bytes asked for. */
export interface TensorSource {
  /** All names, file by file in the order of their data. */
  names(): readonly string[];
  has(name: string): boolean;
  info(name: string): TensorInfo | undefined;
  /** As `info`; throws InputError with the nearest names when there is no such tensor. So do all reads. */
  requireInfo(name: string): TensorInfo;
  /** @param target of the tensor's size, which may take its bytes; or they have a buffer of their own. */
  read(name: string, target?: Uint8Array<ArrayBuffer>): Promise<HostTensor>;
  /** Elements [rowStart, rowEnd) of the leading dimension, as a tensor of shape (rowEnd − rowStart, …); `target` of its size. */
  readRows(
    name: string,
    rowStart: number,
    rowEnd: number,
    target?: Uint8Array<ArrayBuffer>,
  ): Promise<HostTensor>;
  /** F32, F16 or BF16 as f32; throws UnsupportedError for other dtypes. */
  readFloat(name: string): Promise<FloatTensor>;
}
