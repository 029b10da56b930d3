import { assert, InputError } from '../../util/errors.ts';
import type { ByteSource } from '../bytes.ts';
import { readChunked } from '../chunks.ts';
import type { TensorReader } from '../model/tensor-source.ts';
import { readHeader, type SafetensorsHeader, type TensorEntry } from './header.ts';

/** An open safetensors file. Only the header is in memory; a read takes the bytes asked for and no others. */
export interface SafetensorsFile extends SafetensorsHeader, TensorReader {
  /** The file's path for messages. */
  readonly name: string;
}

/** Reads and checks the header; throws as {@link readHeader}. */
export async function openSafetensors(source: ByteSource): Promise<SafetensorsFile> {
  const { tensors, unreadable, metadata } = await readHeader(source);

  const entry = (name: string): TensorEntry => {
    const found = tensors.get(name);
    if (!found) throw new InputError(`${source.name} has no tensor ${JSON.stringify(name)}.`);
    return found;
  };

  return {
    name: source.name,
    tensors,
    unreadable,
    metadata,
    async read(name, target) {
      const { dtype, shape, begin, end } = entry(name);
      return { name, dtype, shape, data: await readChunked(source, begin, end, target) };
    },
    async readRows(name, rowStart, rowEnd, target) {
      const { dtype, shape, begin, end } = entry(name);
      const [rowCount, ...rest] = shape;
      const inside = rowCount !== undefined && 0 <= rowStart && rowStart <= rowEnd && rowEnd <= rowCount;
      assert(inside, `rows ${rowStart} to ${rowEnd} of ${name} (${shape.join(', ')}) in ${source.name}`);
      const rowBytes = rowCount === 0 ? 0 : (end - begin) / rowCount;
      const [first, last] = [begin + rowStart * rowBytes, begin + rowEnd * rowBytes];
      const data = await readChunked(source, first, last, target);
      return { name, dtype, shape: [rowEnd - rowStart, ...rest], data };
    },
    async readEnds(name, count) {
      const { begin, end } = entry(name);
      if (end - begin <= 2 * count) return source.read(begin, end);
      const ends = new Uint8Array(2 * count);
      ends.set(await source.read(begin, begin + count));
      ends.set(await source.read(end - count, end), count);
      return ends;
    },
  };
}
