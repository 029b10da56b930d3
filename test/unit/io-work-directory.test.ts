import { describe, expect, it } from 'vitest';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { workDirectory } from '../../src/io/work-directory.ts';
import { InputError, InternalError } from '../../src/util/errors.ts';
import { seededRandom } from '../../src/util/random.ts';
import { randomTensors } from './io-fixtures.ts';

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
    expect([await work.has('measurement.json'), await work.has('other.json')]).toEqual([true, false]);

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

  it('says which damaged file to delete', async () => {
    const work = workDirectory(memoryDirectory('work', { 'a.json': '{"a":', 'b.safetensors': 'short' }));
    for (const read of [work.readJson('a.json'), work.openTensors('b.safetensors')]) {
      await expect(read).rejects.toThrow(/Delete work\/(a.json|b.safetensors) and run the job again/);
      await expect(read).rejects.toThrow(InputError);
    }
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
