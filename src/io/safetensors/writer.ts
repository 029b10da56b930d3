/** Safetensors out: plan the shards first, then stream each one, header first, one tensor in memory at a time. */
import { byteLength, DTYPES, type HostTensor, type TensorInfo } from '../../tensor/dtype.ts';
import { assert } from '../../util/errors.ts';
import type { ByteSink, WritableDirectory } from '../bytes.ts';
import { writeChunked } from '../chunks.ts';
import { writeFile, writeJsonFile } from '../write-file.ts';
import { LENGTH_BYTES, METADATA_KEY } from './header.ts';

/** One file and its tensors, in the order of their data. */
export interface ShardPlan {
  readonly fileName: string;
  readonly tensors: readonly TensorInfo[];
}

/** A tensor's bytes: whole, or in pieces of any length. */
export type TensorData = HostTensor | AsyncIterable<Uint8Array>;

/** The index that Hugging Face loaders look for beside several shards. */
export const INDEX_FILE = 'model.safetensors.index.json';

/** The start of the data is a multiple of this, so that a mapped file can be viewed in any dtype. */
const ALIGNMENT = 8;

/**
 * Distributes tensors, in their order, over files of at most `shardBytes` bytes of data. A tensor larger than that gets
 * a file of its own.
 * @param fileName of the shard of this number, from 0, of so many.
 */
export function planShards(
  tensors: readonly TensorInfo[],
  shardBytes: number,
  fileName: (index: number, count: number) => string,
): ShardPlan[] {
  assert(shardBytes > 0, `shard size ${shardBytes}`);
  const shards: TensorInfo[][] = [[]];
  let room = shardBytes;
  for (const tensor of tensors) {
    const bytes = byteLength(tensor);
    if (bytes > room && shards.at(-1)!.length > 0) {
      shards.push([]);
      room = shardBytes;
    }
    shards.at(-1)!.push(tensor);
    room -= bytes;
  }
  return shards.map((shard, i) => planShard(fileName(i, shards.length), shard));
}

/**
 * The plan of one file. Wider dtypes come first, otherwise the order stays: so each tensor starts at a multiple of
 * its element size, which loaders that view the file in place need.
 */
export function planShard(fileName: string, tensors: readonly TensorInfo[]): ShardPlan {
  const width = ({ dtype }: TensorInfo) => DTYPES[dtype].bytes;
  return { fileName, tensors: [...tensors].sort((a, b) => width(b) - width(a)) };
}

/**
 * Writes one shard. `nextTensor` is asked for each tensor once, in the order of `shard.tensors`. The file appears
 * when it is whole; on any error it is dropped and the error passed on.
 */
export async function writeSafetensors(
  directory: Pick<WritableDirectory, 'create'>,
  shard: ShardPlan,
  nextTensor: (name: string) => TensorData | Promise<TensorData>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const header = headerBytes(shard, metadata);
  await writeFile(directory, shard.fileName, async (sink) => {
    await sink.write(header);
    for (const tensor of shard.tensors) {
      await writeTensor(sink, tensor, await nextTensor(tensor.name));
    }
  });
}

/** Writes `model.safetensors.index.json` for several shards; for one shard it removes an index left from before. */
export async function writeIndex(directory: WritableDirectory, shards: readonly ShardPlan[]): Promise<void> {
  if (shards.length < 2) return directory.remove(INDEX_FILE);
  const places = shards.flatMap(({ fileName, tensors }) =>
    tensors.map(({ name }) => [name, fileName] as const),
  );
  const totalSize = shards
    .flatMap(({ tensors }) => tensors)
    .reduce((sum, tensor) => sum + byteLength(tensor), 0);
  const index = { metadata: { total_size: totalSize }, weight_map: Object.fromEntries(places) };
  await writeJsonFile(directory, INDEX_FILE, index);
}

/** Bytes of a file's header, its length included. */
export const headerLength = (shard: ShardPlan): number => headerBytes(shard, {}).length;

/** Length and JSON. The JSON is put together by hand: an object would reorder names that look like numbers. */
function headerBytes(
  { fileName, tensors }: ShardPlan,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const names = new Set([METADATA_KEY, ...tensors.map(({ name }) => name)]);
  assert(names.size === tensors.length + 1, `a tensor name stands twice in the plan of ${fileName}`);

  const members: [string, unknown][] = Object.keys(metadata).length > 0 ? [[METADATA_KEY, metadata]] : [];
  let offset = 0;
  for (const tensor of tensors) {
    const end = offset + byteLength(tensor);
    members.push([tensor.name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const text = members.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',');
  const json = new TextEncoder().encode(`{${text}}`);
  const length = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(LENGTH_BYTES + length).fill(0x20); // the format pads with spaces
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, LENGTH_BYTES);
  return bytes;
}

async function writeTensor(sink: ByteSink, planned: TensorInfo, data: TensorData): Promise<void> {
  const expected = byteLength(planned);
  let written = 0;
  if ('data' in data) {
    const actual = describe(data);
    assert(
      actual === describe(planned),
      `tensor ${planned.name}: got ${actual}, planned ${describe(planned)}`,
    );
    await writeChunked(sink, data.data);
    written = data.data.length;
  } else {
    for await (const chunk of data) {
      await writeChunked(sink, chunk);
      written += chunk.length;
    }
  }
  assert(written === expected, `tensor ${planned.name}: got ${written} bytes, planned ${expected}`);
}

const describe = ({ dtype, shape }: TensorInfo): string => `${dtype} (${shape.join(', ')})`;
