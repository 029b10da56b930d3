import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { countBytes } from '../../src/io/counted-directory.ts';
import { nodeDirectory } from '../../src/io/platform/node/node-directory.ts';
import { writtenAnywhere } from '../support/scratch.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'scratch '));
});
afterEach(() => rm(root, { recursive: true }));

test('a scratch file on disk is read and written anywhere, and never listed', async () => {
  const directory = nodeDirectory(join(root, 'new'));
  const file = await directory.scratch!.open();
  expect(await directory.list()).toEqual([]);
  await expect(file.readInto(0, new Uint8Array(1))).rejects.toThrow(/ends at byte 0; expected 1/);
  await file.close();
  expect(await readdir(root)).toEqual([]);
  const { read, expected } = await writtenAnywhere(directory.scratch!);
  expect(read).toEqual(expected);
});

test.skipIf(process.platform === 'win32')(
  'an open one has no name that could stay after a kill',
  async () => {
    const file = await nodeDirectory(root).scratch!.open();
    expect(await readdir(root)).toEqual([]);
    await file.close();
  },
);

test('what programs have left is cleared, and nothing else', async () => {
  const { scratch } = nodeDirectory(root);
  for (const name of ['0.scratch.partial', 'a.partial', 'job.json']) await writeFile(join(root, name), 'x');
  await scratch!.clear();
  expect((await readdir(root)).sort()).toEqual(['a.partial', 'job.json']);
  await nodeDirectory(join(root, 'none')).scratch!.clear();
});

test('their bytes are counted with the directory’s', async () => {
  const count = { read: 0, written: 0 };
  await writtenAnywhere(countBytes(nodeDirectory(root), count).scratch!);
  expect(count).toEqual({ read: 7, written: 10 });
});
