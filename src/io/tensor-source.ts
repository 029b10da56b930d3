import type { HostTensor, TensorInfo } from '../tensor/dtype.ts';
import { type FloatTensor, toFloat } from '../tensor/float-tensor.ts';
import { InputError } from '../util/errors.ts';
import { nearNames } from '../util/near-names.ts';
import type { SafetensorsFile } from './safetensors/reader.ts';

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

/** The union of the tensors in `files`; `place` names it in messages. Throws InputError when a name stands twice. */
export function joinTensors(files: readonly SafetensorsFile[], place: string): TensorSource {
  const fileOf = new Map<string, SafetensorsFile>();
  for (const file of files) {
    for (const name of file.tensors.keys()) {
      const other = fileOf.get(name);
      if (other) {
        throw new InputError(
          `Tensor ${JSON.stringify(name)} is in both ${other.name} and ${file.name}: ` +
            'remove the file that does not belong to this model.',
        );
      }
      fileOf.set(name, file);
    }
  }

  const requireFile = (name: string): SafetensorsFile => {
    const file = fileOf.get(name);
    if (file) return file;
    const near = nearNames(name, fileOf.keys());
    const hint = near.length > 0 ? `the nearest are ${near.join(', ')}` : `it has ${fileOf.size} others`;
    throw new InputError(
      `${place} has no tensor ${JSON.stringify(name)}; ${hint}. Is the download complete?`,
    );
  };

  return {
    names: () => [...fileOf.keys()],
    has: (name) => fileOf.has(name),
    info: (name) => fileOf.get(name)?.tensors.get(name),
    requireInfo: (name) => requireFile(name).tensors.get(name)!,
    read: async (name, target) => requireFile(name).read(name, target),
    readRows: async (name, rowStart, rowEnd, target) =>
      requireFile(name).readRows(name, rowStart, rowEnd, target),
    async readFloat(name) {
      const file = requireFile(name);
      return toFloat(await file.read(name), file.name);
    },
  };
}
