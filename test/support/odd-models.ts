import { readFileSync } from 'node:fs';
import type { ReadableDirectory } from '../../src/io/bytes.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { planShard } from '../../src/io/safetensors/writer.ts';
import type { HostTensor } from '../../src/tensor/dtype.ts';
import { f32ToF16Array } from '../../src/util/half.ts';
import { randomFloats } from './random.ts';
import { readSafetensors } from './safetensors.ts';

const FIXTURES = 'test/fixtures/golden/architectures';

/** A tiny model to be changed: what its config.json holds, and its tensors by name. */
export interface OddModel {
  readonly config: Record<string, unknown>;
  readonly tensors: Map<string, HostTensor>;
  /** Further files, or others in place of these. */
  readonly files: Record<string, Uint8Array | string>;
}

/** A tiny model as people have it: changed by `change`. */
export async function oddModel(
  change: (model: OddModel) => void = () => {},
  architecture = 'llama3_rope',
): Promise<ReadableDirectory> {
  const model: OddModel = {
    config: JSON.parse(readFileSync(`${FIXTURES}/${architecture}/config.json`, 'utf8')),
    tensors: await readSafetensors(`${FIXTURES}/${architecture}/model.safetensors`),
    files: {
      'tokenizer.json': readFileSync(`${FIXTURES}/tokenizer/tokenizer.json`),
      'tokenizer_config.json': readFileSync(`${FIXTURES}/tokenizer/tokenizer_config.json`),
    },
  };
  change(model);
  return memoryDirectory('model', {
    'config.json': JSON.stringify(model.config),
    ...(model.tensors.size > 0 && { 'model.safetensors': safetensorsOf([...model.tensors.values()]) }),
    ...model.files,
  });
}

/** The bytes of a file with these tensors; their names are the keys. */
export function safetensorsOf(tensors: readonly HostTensor[]): Uint8Array {
  const shard = planShard('', tensors);
  const entries: Record<string, object> = {};
  let at = 0;
  for (const { name, dtype, shape, data } of shard.tensors as readonly HostTensor[]) {
    entries[name] = { dtype, shape, data_offsets: [at, at + data.length] };
    at += data.length;
  }
  const header = new TextEncoder().encode(JSON.stringify(entries));
  const bytes = new Uint8Array(8 + header.length + at);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  at = 8 + header.length;
  for (const { data } of shard.tensors as readonly HostTensor[]) {
    bytes.set(data, at);
    at += data.length;
  }
  return bytes;
}

/** Gives a tensor another name. */
export function rename({ tensors }: OddModel, to: (name: string) => string): void {
  for (const [name, tensor] of [...tensors]) {
    tensors.delete(name);
    tensors.set(to(name), { ...tensor, name: to(name) });
  }
}

export const put = ({ tensors }: OddModel, tensor: HostTensor): void => void tensors.set(tensor.name, tensor);

/** A tensor of random normal halves. */
export function randomHalves(
  name: string,
  shape: readonly number[],
  seed: number,
  scale: number,
): HostTensor {
  const values = randomFloats(
    shape.reduce((a, b) => a * b, 1),
    seed,
  ).map((value) => value * scale);
  return { name, dtype: 'F16', shape, data: new Uint8Array(f32ToF16Array(values).buffer) };
}

/** A tensor of zeros. */
export const zeros = (
  name: string,
  dtype: HostTensor['dtype'],
  shape: readonly number[],
  bytes: number,
): HostTensor => ({
  ...{ name, dtype, shape },
  data: new Uint8Array(bytes),
});
