import type { ByteSink, ByteSource } from './bytes.ts';

/**
 * The most bytes that go through one read or write: single requests above 2 GiB fail in Node and in Blobs, and a
 * platform may hold a second copy of what is under way.
 */
export const CHUNK_BYTES = 64 * 2 ** 20;

/**
 * The bytes [start, end), read in pieces of at most {@link CHUNK_BYTES}.
 * @param target of this size, which may take them; or they get a buffer of their own.
 */
export async function readChunked(
  source: ByteSource,
  start: number,
  end: number,
  target?: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const reused = source.readInto && target;
  if (!reused && end - start <= CHUNK_BYTES) return source.read(start, end);
  const bytes = reused ?? new Uint8Array(end - start);
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const piece = bytes.subarray(at, at + CHUNK_BYTES);
    if (source.readInto) await source.readInto(start + at, piece);
    else piece.set(await source.read(start + at, start + at + piece.length));
  }
  return bytes;
}

/** Writes all of `bytes` in pieces of at most {@link CHUNK_BYTES}, without copying. */
export async function writeChunked(sink: ByteSink, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    await sink.write(bytes.subarray(at, at + CHUNK_BYTES));
  }
}
