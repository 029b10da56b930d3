import type { ByteSource } from '../bytes.ts';

/** Bytes that are read and summed at a time. */
const PIECE_BYTES = 8 * 2 ** 20;

/** A checksum of bytes that come in pieces. */
export interface Checksum {
  add(bytes: Uint8Array): void;
  /** 16 hex digits; once, at the end. */
  end(): string;
}

/**
 * Begins an XXH64, which tells damaged bytes from whole ones with a chance of error of 2^-64; it is no guard against
 * forgers. It takes gigabytes a second, where Web Crypto takes no streams.
 */
export async function startChecksum(): Promise<Checksum> {
  // A visit that converts nothing does without it.
  const { createXXHash64 } = await import('hash-wasm');
  const hash = await createXXHash64();
  return {
    add: (bytes) => void hash.update(bytes),
    end: () => hash.digest('hex'),
  };
}

/** Adds all bytes of a file. */
export async function addFile(checksum: Checksum, source: ByteSource): Promise<void> {
  const piece = source.readInto && new Uint8Array(Math.min(source.size, PIECE_BYTES));
  for (let at = 0; at < source.size; at += PIECE_BYTES) {
    const end = Math.min(source.size, at + PIECE_BYTES);
    if (source.readInto && piece) {
      const bytes = piece.subarray(0, end - at);
      await source.readInto(at, bytes);
      checksum.add(bytes);
    } else {
      checksum.add(await source.read(at, end));
    }
  }
}
