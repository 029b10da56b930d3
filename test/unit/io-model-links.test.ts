import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openModelDirectory } from '../../src/io/model/model-directory.ts';
import { nodeModelDirectory } from '../../src/io/platform/node/node-model-directory.ts';
import { linksMessage } from '../../src/model/check/open-model.ts';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.ts';
import { fileOf } from './io-fixtures.ts';

let root: string;
const at = (path: string) => join(root, path);
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'links-'));
  await mkdir(at('model/sub'), { recursive: true });
  await mkdir(at('secrets/deep'), { recursive: true });
  await writeFile(at('secrets/passwords'), 'mine');
  await writeFile(at('secrets/deep/more.json'), '{}');
  await writeFile(at('secrets/model.safetensors'), fileOf('{}', 0));
  await writeFile(at('model/config.json'), '{}');
});
afterEach(() => rm(root, { recursive: true }));

/** What is listed of a model's folder, what of it can be opened, and the links that are not followed. */
async function seen(folder: string) {
  const directory = nodeModelDirectory(at(folder));
  const listed = (await directory.list()).map(({ path }) => path);
  for (const path of listed) expect(await directory.open(path), path).toBeDefined();
  const others = await directory.otherLinks!();
  for (const path of others) expect(await directory.open(path), path).toBeUndefined();
  return { listed, others: others.sort() };
}

describe('links in a model’s folder', () => {
  test('to files and folders elsewhere are not followed, by whatever way', async () => {
    await symlink(at('secrets'), at('model/docs'));
    await symlink('../secrets/passwords', at('model/notes.txt'));
    await symlink('../../secrets/deep', at('model/sub/deep'));
    await symlink('docs/passwords', at('model/through.txt'));
    await symlink(at('secrets'), at('model/folder.safetensors'));
    await symlink(at('secrets/gone'), at('model/gone'));
    await symlink('..', at('model/up'));
    // It would be taken over as a licence.
    await symlink(at('secrets/passwords'), at('model/LICENSE.bin.index.json'));
    const { listed, others } = await seen('model');
    expect(listed).toEqual(['config.json']);
    expect(others).toEqual([
      ...[
        'LICENSE.bin.index.json',
        'docs',
        'folder.safetensors',
        'notes.txt',
        'sub/deep',
        'through.txt',
        'up',
      ],
    ]);
    expect(await nodeModelDirectory(at('model')).open('docs/passwords')).toBeUndefined();
    expect(await nodeModelDirectory(at('model')).open('sub/deep/more.json')).toBeUndefined();
  });

  test('within the folder, and to weights anywhere, are followed', async () => {
    await symlink('config.json', at('model/generation_config.json'));
    await symlink('..', at('model/sub/loop'));
    await writeFile(at('model/sub/a.txt'), 'a');
    await symlink('sub', at('model/again'));
    await symlink(at('secrets/model.safetensors'), at('model/model.safetensors'));
    await symlink(at('secrets/deep/more.json'), at('model/model.safetensors.index.json'));
    expect(await seen('model')).toEqual({
      listed: [
        'again/a.txt',
        'config.json',
        'generation_config.json',
        'model.safetensors',
        'model.safetensors.index.json',
        'sub/a.txt',
      ],
      others: [],
    });
  });

  test('of a Hugging Face cache are followed to its blobs, and no further', async () => {
    const snapshot = 'cache/models--a--b/snapshots/0123';
    await mkdir(at(`${snapshot}/sub`), { recursive: true });
    await mkdir(at('cache/models--a--b/blobs'));
    await writeFile(at('cache/models--a--b/blobs/abc'), '{}');
    await writeFile(at('cache/token'), 'mine');
    await symlink('../../blobs/abc', at(`${snapshot}/config.json`));
    await symlink('../../../blobs/abc', at(`${snapshot}/sub/x.json`));
    await symlink('../../../token', at(`${snapshot}/token.json`));
    await symlink('../../blobs', at(`${snapshot}/blobs`));
    const expected = { listed: ['config.json', 'sub/x.json'], others: ['blobs', 'token.json'] };
    expect(await seen(snapshot)).toEqual(expected);
    await symlink(at(snapshot), at('short'));
    expect(await seen('short')).toEqual(expected);

    // As older versions of its downloads have them in a folder of the user's.
    const hash = 'cache/models--a--b/blobs/0123456789abcdef0123456789abcdef01234567';
    await writeFile(at(hash), '{}');
    await symlink(at(hash), at('model/tokenizer.json'));
    expect(await seen('model')).toEqual({ listed: ['config.json', 'tokenizer.json'], others: [] });
  });

  test('that are not followed are named, and so is what is missing because of that', async () => {
    await writeFile(at('model/model.safetensors'), fileOf('{}', 0));
    await rm(at('model/config.json'));
    for (const name of ['config.json', 'tokenizer.json', 'c.txt', 'd.txt'])
      await symlink(at('secrets/passwords'), at(`model/${name}`));
    const directory = nodeModelDirectory(at('model'));
    const model = await openModelDirectory(directory);
    expect(model.copiedFiles()).toEqual([]);
    expect(linksMessage(model)).toMatch(
      /^Links in .*model that lead out of it are passed over \(4: "c.txt", "config.json", "d.txt", …\)/,
    );
    const link =
      /is a link that leads out of the folder, which is followed for weights only\. Put the file itself there/;
    await expect(model.readJson('config.json')).rejects.toThrow(link);
    await expect(loadTokenizer(directory)).rejects.toThrow(link);
    await rm(at('model/config.json'));
    await writeFile(at('model/config.json'), '{}');
    expect(await (await openModelDirectory(directory)).readJson('config.json')).toEqual({});
  });
});
