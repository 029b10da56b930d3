/** Safetensors bytes for the io tests, right and wrong ones. */
import type { ByteSource } from '../../src/io/bytes.ts';
import { memorySource } from '../../src/io/platform/memory-directory.ts';
import { byteLength, DTYPES, type DType, type HostTensor } from '../../src/tensor/dtype.ts';

/** A file with this header text (or bytes) and `dataBytes` zero bytes behind it. */
export function fileOf(header: string | Uint8Array, dataBytes = 0, headerLength?: bigint): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, headerLength ?? BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

export const sourceOf = (header: string | Uint8Array, dataBytes = 0, headerLength?: bigint): ByteSource =>
  memorySource(fileOf(header, dataBytes, headerLength), 'bad.safetensors');

export const entry = (dtype: string, shape: unknown, offsets: unknown): string =>
  JSON.stringify({ dtype, shape, data_offsets: offsets });

/** A tensor of random bytes. */
export function randomTensor(
  name: string,
  dtype: DType,
  shape: readonly number[],
  random: () => number,
): HostTensor {
  const data = new Uint8Array(byteLength({ name, dtype, shape })).map(() => Math.floor(random() * 256));
  return { name, dtype, shape, data };
}

/** Tensors of random dtypes, ranks 0 to 3 and sizes 0 to 6 a side. */
export function randomTensors(count: number, random: () => number): HostTensor[] {
  const dtypes = Object.keys(DTYPES) as DType[];
  const below = (limit: number) => Math.floor(random() * limit);
  return Array.from({ length: count }, (_, i) => {
    const shape = Array.from({ length: below(4) }, () => below(7));
    return randomTensor(`layers.${i}.weight`, dtypes[below(dtypes.length)]!, shape, random);
  });
}
