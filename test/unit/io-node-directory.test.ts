import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeDirectory } from '../../src/io/platform/node/node-directory.ts';
import { fileError } from '../../src/io/platform/node/node-errors.ts';
import { openSafetensors } from '../../src/io/safetensors/reader.ts';
import { planShard, writeSafetensors } from '../../src/io/safetensors/writer.ts';
import { InputError, InternalError } from '../../src/util/errors.ts';
import { seededRandom } from '../../src/util/random.ts';
import { randomTensors } from './io-fixtures.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'exl2-io-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const utf8 = (value: string) => new TextEncoder().encode(value);

describe('writing', () => {
  it('makes folders, and shows the file only after close', async () => {
    const directory = nodeDirectory(join(root, 'new'));
    const sink = await directory.create('deep/er/a.bin');
    await sink.write(utf8('hello '));
    await sink.write(utf8('world'));
    expect(await directory.list()).toEqual([]);
    expect(await directory.open('deep/er/a.bin')).toBeUndefined();
    expect(await readdir(join(root, 'new/deep/er'))).toEqual(['a.bin.partial']);
    await sink.close();
    expect(await directory.list()).toEqual([{ path: 'deep/er/a.bin', size: 11 }]);
    expect(await readFile(join(root, 'new/deep/er/a.bin'), 'utf8')).toBe('hello world');
    expect(await readdir(join(root, 'new/deep/er'))).toEqual(['a.bin']);
    await expect(sink.write(utf8('x'))).rejects.toThrow(InternalError);
  });

  it('replaces a file at close and keeps it on abort', async () => {
    const directory = nodeDirectory(root);
    await writeFile(join(root, 'a'), 'old');
    const dropped = await directory.create('a');
    await dropped.write(utf8('half'));
    await dropped.abort();
    await dropped.abort();
    expect(await readdir(root)).toEqual(['a']);
    expect(await readFile(join(root, 'a'), 'utf8')).toBe('old');
    const kept = await directory.create('a');
    await kept.write(utf8('new'));
    expect(await readFile(join(root, 'a'), 'utf8')).toBe('old');
    await kept.close();
    expect(await readFile(join(root, 'a'), 'utf8')).toBe('new');
  });

  it('leaves no folder that was made for a file that is aborted', async () => {
    const directory = nodeDirectory(join(root, 'new'));
    await (await directory.create('deep/er/a')).abort();
    expect(await readdir(root)).toEqual([]);
    const kept = await directory.create('deep/b');
    const dropped = await directory.create('deep/er/a');
    await kept.close();
    await dropped.abort();
    expect(await readdir(join(root, 'new/deep'))).toEqual(['b']);
    await mkdir(join(root, 'mine'));
    await (await nodeDirectory(join(root, 'mine')).create('a')).abort();
    expect(await readdir(root)).toEqual(['mine', 'new']);
  });

  it('overwrites what a crash left, and does not follow a link in its place', async () => {
    await writeFile(join(root, 'victim'), 'untouched');
    await writeFile(join(root, 'a.partial'), 'much longer than the new contents');
    await symlink(join(root, 'victim'), join(root, 'b.partial'));
    const directory = nodeDirectory(root);
    expect((await directory.list()).map(({ path }) => path)).toEqual(['victim']);
    for (const name of ['a', 'b']) {
      const sink = await directory.create(name);
      await sink.write(utf8('short'));
      await sink.close();
      expect(await readFile(join(root, name), 'utf8')).toBe('short');
    }
    expect(await readFile(join(root, 'victim'), 'utf8')).toBe('untouched');
  });

  it('a failure in the middle of a shard leaves nothing', async () => {
    const directory = nodeDirectory(root);
    const tensors = randomTensors(5, seededRandom(2));
    const shard = planShard('output.safetensors', tensors);
    const last = shard.tensors.at(-1)!.name;
    const tensorOf = (name: string) => tensors.find((tensor) => tensor.name === name)!;
    const failing = writeSafetensors(directory, shard, (name) => {
      if (name === last) throw new Error('crash');
      return tensorOf(name);
    });
    await expect(failing).rejects.toThrow('crash');
    expect(await readdir(root)).toEqual([]);

    await writeSafetensors(directory, shard, tensorOf);
    const file = await openSafetensors((await directory.open('output.safetensors'))!);
    for (const tensor of tensors) expect(await file.read(tensor.name)).toEqual(tensor);
  });
});

describe('reading', () => {
  it('lists everything below, through links, without loops and dangling links', async () => {
    await mkdir(join(root, 'blobs'));
    await mkdir(join(root, 'snapshot/sub'), { recursive: true });
    await writeFile(join(root, 'blobs/123'), 'config');
    await symlink('../blobs/123', join(root, 'snapshot/config.json'));
    await symlink('../blobs', join(root, 'snapshot/folder'));
    await symlink('..', join(root, 'snapshot/sub/loop'));
    await symlink('../blobs/gone', join(root, 'snapshot/gone.json'));
    const directory = nodeDirectory(join(root, 'snapshot'));
    expect(await directory.list()).toEqual([
      { path: 'config.json', size: 6 },
      { path: 'folder/123', size: 6 },
    ]);
    expect(text(await (await directory.open('config.json'))!.read(0, 6))).toBe('config');
    expect(await directory.open('gone.json')).toBeUndefined();
    expect(await directory.open('folder')).toBeUndefined();
  });

  it('lists nothing that a system has left there', async () => {
    await mkdir(join(root, 'sub'));
    for (const name of ['a', '._a', 'sub/._b', '.DS_Store', 'Thumbs.db', 'sub/desktop.ini', 'c.partial'])
      await writeFile(join(root, name), 'x');
    expect(await nodeDirectory(root).list()).toEqual([{ path: 'a', size: 1 }]);
  });

  it('reads in parallel and again later, each time the right bytes', async () => {
    const data = new Uint8Array(10_000).map((_, i) => (i * 31) % 251);
    await writeFile(join(root, 'a'), data);
    const source = (await nodeDirectory(root).open('a'))!;
    for (let round = 0; round < 3; round++) {
      const starts = Array.from({ length: 50 }, (_, i) => i * 173);
      const parts = await Promise.all(starts.map((start) => source.read(start, start + 100)));
      for (const [i, start] of starts.entries()) expect(parts[i]).toEqual(data.slice(start, start + 100));
    }
    expect(await source.read(10, 10)).toEqual(new Uint8Array(0));
    await expect(source.read(9_990, 10_001)).rejects.toThrow(/ends at byte 10000; expected 10001/);
  });

  it.runIf(process.platform === 'linux')('leaves no handle open', async () => {
    await writeFile(join(root, 'a'), 'abc');
    const source = (await nodeDirectory(root).open('a'))!;
    const before = (await readdir('/proc/self/fd')).length;
    await Promise.allSettled([source.read(0, 3), source.read(0, 9), source.read(1, 2)]);
    expect((await readdir('/proc/self/fd')).length).toBe(before);
  });

  it('notices that a file changed or went away', async () => {
    await writeFile(join(root, 'a'), 'abc');
    const source = (await nodeDirectory(root).open('a'))!;
    await writeFile(join(root, 'a'), 'abcd');
    await expect(source.read(0, 3)).rejects.toThrow(/was changed while it was in use/);
    await rm(join(root, 'a'));
    await expect(source.read(0, 3)).rejects.toThrow(/Cannot read .*a: there is no such file/);
  });

  it('removes files, present or not', async () => {
    await writeFile(join(root, 'a'), 'abc');
    const directory = nodeDirectory(root);
    await directory.remove('a');
    await directory.remove('a');
    expect(await directory.list()).toEqual([]);
  });
});

describe('errors say what, where and what to do', () => {
  it('a missing folder', async () => {
    const listed = nodeDirectory(join(root, 'nowhere')).list();
    await expect(listed).rejects.toThrow(InputError);
    await expect(listed).rejects.toThrow(
      /Cannot read .*nowhere: there is no such file or folder; check the path/,
    );
  });

  it('a file or a folder in the way', async () => {
    await writeFile(join(root, 'file'), '');
    await mkdir(join(root, 'folder'));
    const directory = nodeDirectory(root);
    await expect(directory.create('file/a')).rejects.toThrow(/Cannot write .*file\/a: .*(EEXIST|ENOTDIR)/i);
    const sink = await directory.create('folder');
    await expect(sink.close()).rejects.toThrow(/Cannot write .*folder: a folder of that name is in the way/);
    await sink.abort();
    expect((await readdir(root)).sort()).toEqual(['file', 'folder']);
    await expect(directory.remove('folder')).rejects.toThrow(/Cannot remove/);
  });

  it.each([
    ['ENOSPC', /Cannot write \/out\/a: the disk is full; free some space/],
    ['EACCES', /permission denied; change the permissions/],
    ['EFBIG', /smaller shards/],
    ['EWHATEVER', /Cannot write \/out\/a: odd/],
  ])('%s', (code, message) => {
    const error = fileError(Object.assign(new Error('odd'), { code }), 'write', '/out/a');
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(message);
  });

  it.each(['../a', 'a/../../b', '/etc/passwd', 'a\\..\\b', ''])('the path %j', async (path) => {
    const directory = nodeDirectory(join(root, 'inside'));
    await expect(directory.create(path)).rejects.toThrow(/is not a path inside/);
    await expect(directory.open(path)).rejects.toThrow(InputError);
    await expect(directory.remove(path)).rejects.toThrow(InputError);
    expect(await readdir(root)).toEqual([]);
  });
});
