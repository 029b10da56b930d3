import type { ByteSink, ByteSource } from './bytes.ts';

/**
 * The most bytes that go through one read or write: single requests above 2 GiB fail in Node and in Blobs, and a
 * platform may hold a second copy of what is under way.
 */
export const CHUNK_BYTES = 64 * 2 ** 20;

/** The bytes [start, end) in a buffer of their own, read in pieces of at most {@link CHUNK_BYTES}. */
export async function readChunked(
  source: ByteSource,
  start: number,
  end: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (end - start <= CHUNK_BYTES) return source.read(start, end);
  const bytes = new Uint8Array(end - start);
  for (let at = start; at < end; at += CHUNK_BYTES) {
    bytes.set(await source.read(at, Math.min(at + CHUNK_BYTES, end)), at - start);
  }
  return bytes;
}

/** Writes all of `bytes` in pieces of at most {@link CHUNK_BYTES}, without copying. */
export async function writeChunked(sink: ByteSink, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    await sink.write(bytes.subarray(at, at + CHUNK_BYTES));
  }
}
