import type { ByteSink, ByteSource, ReadableDirectory, ScratchPlace, WritableDirectory } from './bytes.ts';

/** Bytes that have gone through files. */
export interface ByteCount {
  read: number;
  written: number;
}

/** The same directory; what is read of its files is added to `count`. */
export const countReads = (directory: ReadableDirectory, count: ByteCount): ReadableDirectory => ({
  name: directory.name,
  list: () => directory.list(),
  async open(path) {
    const source = await directory.open(path);
    return source && countedSource(source, count);
  },
});

/** The same directory; what is read of its files and written to them is added to `count`. */
export const countBytes = (directory: WritableDirectory, count: ByteCount): WritableDirectory => ({
  ...countReads(directory, count),
  create: async (path) => countedSink(await directory.create(path), count),
  remove: (path) => directory.remove(path),
  ...(directory.scratch && { scratch: countedScratch(directory.scratch, count) }),
});

const countedSource = (source: ByteSource, count: ByteCount): ByteSource => ({
  name: source.name,
  size: source.size,
  async read(start, end) {
    const bytes = await source.read(start, end);
    count.read += bytes.length;
    return bytes;
  },
  ...(source.readInto && {
    async readInto(start, target) {
      await source.readInto!(start, target);
      count.read += target.length;
    },
  }),
});

const countedSink = (sink: ByteSink, count: ByteCount): ByteSink => ({
  async write(bytes) {
    await sink.write(bytes);
    count.written += bytes.length;
  },
  close: () => sink.close(),
  abort: () => sink.abort(),
});

const countedScratch = (place: ScratchPlace, count: ByteCount): ScratchPlace => ({
  async open() {
    const file = await place.open();
    return {
      async readInto(start, target) {
        await file.readInto(start, target);
        count.read += target.length;
      },
      async write(start, bytes) {
        await file.write(start, bytes);
        count.written += bytes.length;
      },
      close: () => file.close(),
    };
  },
  clear: () => place.clear(),
});
