import { describe, expect, it } from 'vitest';
import type { WritableDirectory } from '../../src/io/bytes.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { workDirectory } from '../../src/io/work/work-directory.ts';
import { writeFile } from '../../src/io/write-file.ts';
import { InputError, InternalError } from '../../src/util/errors.ts';
import { seededRandom } from '../../src/util/random.ts';
import { randomTensors } from './io-fixtures.ts';

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe('the work directory', () => {
  it('keeps JSON and tensors until they are removed', async () => {
    const work = workDirectory(memoryDirectory('work'));
    const tensors = randomTensors(10, seededRandom(5));
    await work.writeJson('measurement.json', { bits: [4, 3.5] });
    await work.writeTensors('tensors/q.safetensors', tensors, { rfn: '0.01' });

    expect(await work.readJson<{ bits: number[] }>('measurement.json')).toEqual({ bits: [4, 3.5] });
    const file = await work.openTensors('tensors/q.safetensors');
    for (const tensor of tensors) expect(await file!.read(tensor.name)).toEqual(tensor);
    expect(file!.metadata.get('rfn')).toBe('0.01');

    await work.remove('measurement.json');
    await work.remove('measurement.json');
    expect(await work.readJson('measurement.json')).toBeUndefined();
    expect(await work.openTensors('tensors/other.safetensors')).toBeUndefined();
  });

  it('replaces an artefact', async () => {
    const work = workDirectory(memoryDirectory('work'));
    await work.writeJson('a.json', 1);
    await work.writeJson('a.json', 2);
    expect(await work.readJson('a.json')).toBe(2);
  });

  /** A work directory of job `a` with two artefacts, and the paths of which it tells that they are damaged. */
  async function written() {
    const directory = memoryDirectory('work');
    const damaged: string[] = [];
    const work = workDirectory(directory, (path) => damaged.push(path));
    work.bind('a');
    await work.writeJson('a.json', { bits: [4, 3.5] });
    await work.writeTensors('b.safetensors', randomTensors(3, seededRandom(6)), { mixed: 'true' });
    const read = async () => [await work.readJson('a.json'), await work.openTensors('b.safetensors')];
    return { directory, work, damaged, read };
  }

  const bytesOf = async (directory: WritableDirectory, path: string) => {
    const source = (await directory.open(path))!;
    return source.read(0, source.size);
  };
  const put = (directory: WritableDirectory, path: string, bytes: Uint8Array) =>
    writeFile(directory, path, (sink) => sink.write(bytes));

  it('takes no artefact of which any bit is not as it was written, nor of its record', async () => {
    const { directory, damaged, read } = await written();
    for (const [path, artefact] of [
      ['a.json', 0],
      ['a.json.checksum', 0],
      ['b.safetensors', 1],
      ['b.safetensors.checksum', 1],
    ] as const) {
      const whole = await bytesOf(directory, path);
      for (let bit = 0; bit < whole.length * 8; bit += 7) {
        const flipped = whole.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        await put(directory, path, flipped);
        const found = await read();
        // A record may say the same in other bytes.
        const isWhole = found[artefact] !== undefined;
        if (isWhole) expect(JSON.parse(text(flipped))).toEqual(JSON.parse(text(whole)));
        expect(found[1 - artefact]).toBeDefined();
      }
      await put(directory, path, whole);
    }
    expect(new Set(damaged)).toEqual(new Set(['a.json', 'b.safetensors']));
    expect(damaged).toHaveLength(2);
    expect((await read()).every((found) => found !== undefined)).toBe(true);
  });

  it.each([
    ['cut short', (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 3)],
    ['longer', (bytes: Uint8Array) => Uint8Array.of(...bytes, 0)],
    ['empty', () => new Uint8Array()],
  ])('takes none that is %s, or whose record is', async (_, damage) => {
    for (const path of ['a.json', 'b.safetensors', 'a.json.checksum', 'b.safetensors.checksum']) {
      const { directory, damaged, read } = await written();
      await put(directory, path, damage(await bytesOf(directory, path)));
      expect((await read())[path.startsWith('a') ? 0 : 1]).toBeUndefined();
      expect(damaged).toEqual([path.replace('.checksum', '')]);
    }
  });

  it('takes none without a record, in the place of another one, or of another job', async () => {
    const { directory, work, damaged, read } = await written();
    await work.writeJson('c.json', 3);
    for (const ending of ['', '.checksum'])
      await put(directory, `a.json${ending}`, await bytesOf(directory, `c.json${ending}`));
    await directory.remove('b.safetensors.checksum');
    expect(await read()).toEqual([undefined, undefined]);
    expect(damaged).toEqual(['a.json', 'b.safetensors']);
    expect(await work.inspect('a.json')).toEqual({ kind: 'damaged' });
    expect(await work.inspect('b.safetensors')).toEqual({ kind: 'unknown' });
    expect(await work.inspect('d.json')).toEqual({ kind: 'missing' });

    expect(await work.readJson('c.json')).toBe(3);
    work.bind('b');
    expect(await work.readJson('c.json')).toBeUndefined();
    expect(await work.inspect('c.json')).toEqual({ kind: 'whole', job: 'a' });
    work.bind('b', 'a');
    expect(await work.readJson('c.json')).toBe(3);
    await work.writeJson('c.json', 4);
    expect(await work.readJson('c.json')).toBe(4);
  });

  it('has no artefact that takes the place of another one when it is stopped anywhere', async () => {
    for (let stop = 0; stop < 4; stop++) {
      const { directory, work } = await written();
      let left = stop;
      const step = () => {
        if (left-- === 0) throw new InputError('stopped');
      };
      const stopping: WritableDirectory = {
        ...directory,
        async create(path) {
          step();
          const sink = await directory.create(path);
          return {
            ...sink,
            async close() {
              step();
              await sink.close();
            },
          };
        },
      };
      await expect(workDirectory(stopping).writeJson('a.json', 'new')).rejects.toThrow('stopped');
      expect([undefined, { bits: [4, 3.5] }]).toContainEqual(await work.readJson('a.json'));
      await work.writeJson('a.json', 'newer');
      expect(await work.readJson('a.json')).toBe('newer');
    }
  });

  it('removes an artefact with its record', async () => {
    const { directory, work } = await written();
    await work.remove('a.json');
    await work.remove('b.safetensors');
    expect(await directory.list()).toEqual([]);
  });
});

describe('a directory in memory', () => {
  it('lists sorted, reads copies and rejects ranges past the end', async () => {
    const directory = memoryDirectory('memory', { b: 'xyz', 'a/c': '' });
    expect(await directory.list()).toEqual([
      { path: 'a/c', size: 0 },
      { path: 'b', size: 3 },
    ]);
    const source = (await directory.open('b'))!;
    (await source.read(0, 3)).fill(0);
    expect(await source.read(1, 3)).toEqual(new TextEncoder().encode('yz'));
    await expect(source.read(2, 4)).rejects.toThrow('memory/b ends at byte 3; expected 4');
  });

  it('shows a file only after close, and copies what is written', async () => {
    const directory = memoryDirectory();
    const sink = await directory.create('a');
    const bytes = Uint8Array.of(1, 2);
    await sink.write(bytes);
    bytes.fill(9);
    await sink.write(Uint8Array.of(3));
    expect(await directory.open('a')).toBeUndefined();
    await sink.close();
    expect(await (await directory.open('a'))!.read(0, 3)).toEqual(Uint8Array.of(1, 2, 3));
    await expect(sink.write(bytes)).rejects.toThrow(InternalError);
    await sink.abort();
    expect(await directory.open('a')).toBeDefined();
  });

  it.each(['../a', 'a/../b', '/a', 'a//b', '', '.', 'a\\b', 'C:/a', 'a\0b', 'a/'])(
    'rejects the path %j',
    async (path) => {
      await expect(memoryDirectory().create(path)).rejects.toThrow(/is not a path inside memory/);
      await expect(memoryDirectory().open(path)).rejects.toThrow(InputError);
    },
  );
});
