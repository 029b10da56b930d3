import type { ByteSource, ReadableDirectory, WritableDirectory } from '../src/io/bytes.ts';

/** Told how many bytes have just been read or written. */
export interface ByteCounter {
  read(bytes: number): void;
  written(bytes: number): void;
}

/** The same directory; what is read of its files is counted. */
export function countReads(directory: ReadableDirectory, counter: ByteCounter): ReadableDirectory {
  return {
    name: directory.name,
    list: () => directory.list(),
    async open(path) {
      const source = await directory.open(path);
      return source && countedSource(source, counter);
    },
  };
}

/** The same directory; what is read of its files and written to them is counted. */
export function countBytes(directory: WritableDirectory, counter: ByteCounter): WritableDirectory {
  return {
    ...countReads(directory, counter),
    async create(path) {
      const sink = await directory.create(path);
      return {
        async write(bytes) {
          await sink.write(bytes);
          counter.written(bytes.length);
        },
        close: () => sink.close(),
        abort: () => sink.abort(),
      };
    },
    remove: (path) => directory.remove(path),
  };
}

const countedSource = (source: ByteSource, counter: ByteCounter): ByteSource => ({
  name: source.name,
  size: source.size,
  async read(start, end) {
    const bytes = await source.read(start, end);
    counter.read(bytes.length);
    return bytes;
  },
});
