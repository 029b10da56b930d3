import { describe, expect, it } from 'vitest';
import type { ByteSource, WritableDirectory } from '../../src/io/bytes.ts';
import { CHUNK_BYTES } from '../../src/io/chunks.ts';
import { openModelDirectory } from '../../src/io/model/model-directory.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { openSafetensors } from '../../src/io/safetensors/reader.ts';
import { planShard, planShards, writeIndex, writeSafetensors } from '../../src/io/safetensors/writer.ts';
import { DTYPES, type HostTensor } from '../../src/tensor/dtype.ts';
import { InternalError } from '../../src/util/errors.ts';
import { seededRandom } from '../../src/util/random.ts';
import { entry, fileOf, randomTensor, randomTensors } from './io-fixtures.ts';

async function* inPieces(data: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

const u8 = (name: string, size: number) => ({ name, dtype: 'U8', shape: [size] }) as const;
const partName = (index: number, count: number) => `part-${index}-of-${count}.safetensors`;
const openIn = async (directory: WritableDirectory, path: string) =>
  openSafetensors((await directory.open(path))!);

describe('writing and reading back', () => {
  it.each(Array.from({ length: 20 }, (_, seed) => [seed]))('random tensors, seed %i', async (seed) => {
    const random = seededRandom(seed);
    const tensors = randomTensors(1 + Math.floor(random() * 30), random);
    const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
    const shards = planShards(tensors, seed % 2 ? 400 : 1e9, partName);
    const directory = memoryDirectory();
    for (const shard of shards) {
      await writeSafetensors(directory, shard, (name) => {
        const tensor = byName.get(name)!;
        return random() < 0.5 ? tensor : inPieces(tensor.data, 7);
      });
    }
    await writeIndex(directory, shards);

    const model = await openModelDirectory(directory);
    expect([...model.names()].sort()).toEqual([...byName.keys()].sort());
    for (const tensor of tensors) expect(await model.read(tensor.name)).toEqual(tensor);
    expect((await directory.open('model.safetensors.index.json')) !== undefined).toBe(shards.length > 1);
  });

  it('aligns the data to 8 bytes and every tensor to its element size', async () => {
    const random = seededRandom(1);
    const tensors = randomTensors(40, random);
    const directory = memoryDirectory();
    const shard = planShard('a.safetensors', tensors);
    await writeSafetensors(directory, shard, (name) => tensors.find((tensor) => tensor.name === name)!, {
      format: 'pt',
    });
    const file = await openIn(directory, 'a.safetensors');
    expect(file.metadata.get('format')).toBe('pt');
    expect([...file.tensors.keys()]).toEqual(shard.tensors.map(({ name }) => name));
    expect([...file.tensors.values()][0]!.begin % 8).toBe(0);
    for (const { begin, dtype } of file.tensors.values()) expect(begin % DTYPES[dtype].bytes).toBe(0);
  });

  it('keeps the order of names that look like numbers, and odd names', async () => {
    const names = ['b', '1', '__proto__', '0', 'ü"\\\n'];
    const directory = memoryDirectory();
    const shard = planShard(
      'a.safetensors',
      names.map((name) => u8(name, 1)),
    );
    await writeSafetensors(directory, shard, (name) => ({
      ...u8(name, 1),
      data: Uint8Array.of(names.indexOf(name)),
    }));
    const file = await openIn(directory, 'a.safetensors');
    expect([...file.tensors.keys()]).toEqual(names);
    for (const [i, name] of names.entries()) expect((await file.read(name)).data).toEqual(Uint8Array.of(i));
  });
});

describe('planning shards', () => {
  const files = (sizes: number[], shardBytes: number) =>
    planShards(
      sizes.map((size, i) => u8(`t${i}`, size)),
      shardBytes,
      partName,
    ).map(({ fileName, tensors }) => [fileName, ...tensors.map(({ name }) => name)]);

  it('uses one file while everything fits', () => {
    expect(files([4, 6], 10)).toEqual([['part-0-of-1.safetensors', 't0', 't1']]);
    expect(files([], 10)).toEqual([['part-0-of-1.safetensors']]);
  });

  it('starts a file when the next tensor does not fit; one too large stands alone', () => {
    expect(files([4, 7, 50, 1, 2], 10)).toEqual([
      ['part-0-of-4.safetensors', 't0'],
      ['part-1-of-4.safetensors', 't1'],
      ['part-2-of-4.safetensors', 't2'],
      ['part-3-of-4.safetensors', 't3', 't4'],
    ]);
  });

  it('the index maps every tensor and gives the total; one shard removes an old index', async () => {
    const directory = memoryDirectory();
    const read = async () => {
      const source = await directory.open('model.safetensors.index.json');
      return source && JSON.parse(new TextDecoder().decode(await source.read(0, source.size)));
    };
    await writeIndex(directory, planShards([u8('a', 4), u8('b', 7)], 10, partName));
    expect(await read()).toEqual({
      metadata: { total_size: 11 },
      weight_map: { a: 'part-0-of-2.safetensors', b: 'part-1-of-2.safetensors' },
    });
    await writeIndex(directory, planShards([u8('a', 4)], 10, partName));
    expect(await read()).toBeUndefined();
  });
});

describe('a write that fails leaves nothing', () => {
  const shard = planShard('a.safetensors', [u8('x', 4), u8('y', 4)]);
  const good = (name: string): HostTensor => ({ ...u8(name, 4), data: new Uint8Array(4) });
  it.each<[string, (name: string) => HostTensor | AsyncIterable<Uint8Array>, RegExp]>([
    ['too few bytes', (name) => ({ ...good(name), data: new Uint8Array(3) }), /got 3 bytes, planned 4/],
    ['too many pieces', () => inPieces(new Uint8Array(6), 2), /got 6 bytes, planned 4/],
    ['another shape', () => ({ ...u8('x', 3), data: new Uint8Array(3) }), /got U8 \(3\), planned U8 \(4\)/],
    ['another dtype', (name) => ({ ...good(name), dtype: 'I8' }), /got I8 \(4\), planned U8/],
  ])('%s', async (_what, next, message) => {
    const directory = memoryDirectory();
    const written = writeSafetensors(directory, shard, (name) => (name === 'x' ? good(name) : next(name)));
    await expect(written).rejects.toThrow(message);
    await expect(written).rejects.toThrow(InternalError);
    expect(await directory.list()).toEqual([]);
  });

  it('an error of the source, which is passed on', async () => {
    const directory = memoryDirectory('memory', { 'a.safetensors': 'the old one' });
    const fail = async (name: string) =>
      name === 'x' ? good(name) : Promise.reject(new Error('lost device'));
    await expect(writeSafetensors(directory, shard, fail)).rejects.toThrow('lost device');
    expect(await directory.list()).toEqual([{ path: 'a.safetensors', size: 11 }]);
  });

  it('a name that is planned twice or reserved', async () => {
    for (const names of [['x', 'x'], ['__metadata__']]) {
      const twice = planShard(
        'a.safetensors',
        names.map((name) => u8(name, 1)),
      );
      await expect(writeSafetensors(memoryDirectory(), twice, good)).rejects.toThrow(/stands twice/);
    }
  });
});

describe('reading only what is asked for', () => {
  const tensor = randomTensor('w', 'I16', [5, 3, 2], seededRandom(3));

  it('slices the leading dimension', async () => {
    const directory = memoryDirectory();
    await writeSafetensors(directory, planShard('a.safetensors', [tensor]), () => tensor);
    const file = await openIn(directory, 'a.safetensors');
    expect(await file.readRows('w', 1, 4)).toEqual({
      ...tensor,
      shape: [3, 3, 2],
      data: tensor.data.slice(12, 48),
    });
    expect(await file.readRows('w', 2, 2)).toEqual({ ...tensor, shape: [0, 3, 2], data: new Uint8Array(0) });
    await expect(file.readRows('w', 1, 6)).rejects.toThrow(/rows 1 to 6 of w \(5, 3, 2\)/);
    await expect(file.readRows('w', 3, 2)).rejects.toThrow(/rows 3 to 2/);
    await expect(file.read('v')).rejects.toThrow(/a.safetensors has no tensor "v"/);
  });

  it('in pieces of at most 64 MiB', async () => {
    const size = 2 * CHUNK_BYTES + 5;
    const header = fileOf(
      `{"a":${entry('U8', [size], [0, size])},"b":${entry('U8', [9], [size, size + 9])}}`,
    );
    const reads: [number, number][] = [];
    const source: ByteSource = {
      name: 'big',
      size: header.length + size + 9,
      async read(start, end) {
        reads.push([start, end]);
        const bytes = new Uint8Array(end - start).fill(reads.length);
        if (start < header.length) bytes.set(header.subarray(start, end));
        return bytes;
      },
    };
    const file = await openSafetensors(source);
    reads.length = 0;
    const { data } = await file.read('a');
    const start = header.length;
    const second = start + CHUNK_BYTES;
    const third = second + CHUNK_BYTES;
    expect(reads).toEqual([
      [start, second],
      [second, third],
      [third, third + 5],
    ]);
    expect([data.length, data[0], data[CHUNK_BYTES - 1], data[CHUNK_BYTES], data.at(-1)]).toEqual([
      size,
      1,
      1,
      2,
      3,
    ]);
  });
});
