import { expect, test } from 'vitest';
import type { ReadableDirectory } from '../../src/io/bytes.ts';
import { countBytes, countReads } from '../../src/io/counted-directory.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';

test('bytes are counted as they go through a directory, and nothing else is changed', async () => {
  const count = { read: 0, written: 0 };
  const inner = memoryDirectory('inner', { 'a.txt': 'hello' });
  const directory = countBytes(inner, count);
  const source = (await directory.open('a.txt'))!;
  expect(await source.read(1, 4)).toEqual(new TextEncoder().encode('ell'));
  expect(source.readInto).toBeUndefined();
  expect(await directory.open('none')).toBeUndefined();
  const sink = await directory.create('b.txt');
  await sink.write(new Uint8Array(7));
  await sink.close();
  expect(count).toEqual({ read: 3, written: 7 });
  expect(await countReads(inner, count).list()).toEqual(await inner.list());
  await directory.remove('a.txt');
  expect((await inner.list()).map(({ path }) => path)).toEqual(['b.txt']);
});

test('files that can be read into given memory still can, and that is counted too', async () => {
  const count = { read: 0, written: 0 };
  const inner = memoryDirectory('inner', { 'a.txt': 'hello' });
  const filling: ReadableDirectory = {
    ...inner,
    async open(path) {
      const source = (await inner.open(path))!;
      const readInto = async (start: number, target: Uint8Array<ArrayBuffer>) =>
        target.set(await source.read(start, start + target.length));
      return { ...source, readInto };
    },
  };
  const source = (await countReads(filling, count).open('a.txt'))!;
  const target = new Uint8Array(2);
  await source.readInto!(3, target);
  expect(target).toEqual(new TextEncoder().encode('lo'));
  expect(count).toEqual({ read: 2, written: 0 });
});
