import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cacheFolder, speedFile } from '../../src/cli/speed-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'speeds-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('the cache folder is where the system has them', () => {
  expect(cacheFolder('linux', {}, '/home/a')).toBe(join('/home/a', '.cache', 'exl2-web'));
  expect(cacheFolder('linux', { XDG_CACHE_HOME: '/cache' }, '/home/a')).toBe(join('/cache', 'exl2-web'));
  expect(cacheFolder('darwin', {}, '/Users/a')).toBe(join('/Users/a', 'Library', 'Caches', 'exl2-web'));
  expect(cacheFolder('win32', { LOCALAPPDATA: '/local' }, '/a')).toBe(join('/local', 'exl2-web'));
  expect(cacheFolder('win32', {}, '/a')).toBe(join('/a', 'AppData', 'Local', 'exl2-web'));
});

test('values are kept by key, in one whole file', async () => {
  const path = join(folder, 'new', 'speeds.json');
  await speedFile(path).write('a', { plain: 1 });
  await speedFile(path).write('b', { plain: 2 });
  await speedFile(path).write('a', { plain: 3 });
  expect(await speedFile(path).read('a')).toEqual({ plain: 3 });
  expect(await speedFile(path).read('b')).toEqual({ plain: 2 });
  expect(await speedFile(path).read('c')).toBeUndefined();
  expect(readdirSync(join(folder, 'new'))).toEqual(['speeds.json']);
});

test('a broken file is as good as none, and is replaced', async () => {
  const path = join(folder, 'broken.json');
  for (const text of ['{"a": {', '[1]', '', 'null']) {
    writeFileSync(path, text);
    expect(await speedFile(path).read('a')).toBeUndefined();
    await speedFile(path).write('a', 1);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ a: 1 });
  }
});

test('a folder that cannot be is no error', async () => {
  const file = join(folder, 'a file');
  writeFileSync(file, '');
  const store = speedFile(join(file, 'speeds.json'));
  await store.write('a', 1);
  expect(await store.read('a')).toBeUndefined();
});
