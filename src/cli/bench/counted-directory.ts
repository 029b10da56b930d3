import type { ByteSink, ByteSource, WritableDirectory } from '../../io/bytes.ts';

/** Bytes that went through a directory's files. */
export interface ByteCount {
  read: number;
  written: number;
}

/** `directory` with its bytes counted in `count`. */
export const countedDirectory = (directory: WritableDirectory, count: ByteCount): WritableDirectory => ({
  name: directory.name,
  list: () => directory.list(),
  remove: (path) => directory.remove(path),
  async open(path) {
    const source = await directory.open(path);
    return source && countedSource(source, count);
  },
  create: async (path) => countedSink(await directory.create(path), count),
});

const countedSource = (source: ByteSource, count: ByteCount): ByteSource => ({
  name: source.name,
  size: source.size,
  read(start, end) {
    count.read += end - start;
    return source.read(start, end);
  },
  ...(source.readInto && {
    readInto(start, target) {
      count.read += target.length;
      return source.readInto!(start, target);
    },
  }),
});

const countedSink = (sink: ByteSink, count: ByteCount): ByteSink => ({
  write(bytes) {
    count.written += bytes.length;
    return sink.write(bytes);
  },
  close: () => sink.close(),
  abort: () => sink.abort(),
});
