import { readFileSync } from 'node:fs';
import { openSafetensors } from '../../src/io/safetensors/reader.ts';
import type { HostTensor } from '../../src/tensor/dtype.ts';

/** All tensors of a small safetensors file, in memory. */
export async function readSafetensors(path: string): Promise<Map<string, HostTensor>> {
  const bytes = new Uint8Array(readFileSync(path));
  const file = await openSafetensors({
    name: path,
    size: bytes.length,
    read: async (start, end) => bytes.slice(start, end),
  });
  const tensors = await Promise.all([...file.tensors.keys()].map((name) => file.read(name)));
  return new Map(tensors.map((tensor) => [tensor.name, tensor]));
}
