import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { handleError } from '../../src/io/platform/handle-errors.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { nodeDirectory } from '../../src/io/platform/node/node-directory.ts';
import { fileError } from '../../src/io/platform/node/node-errors.ts';
import { workDirectory } from '../../src/io/work/work-directory.ts';
import { InputError } from '../../src/util/errors.ts';
import { checkOutput, claimOutput, SHARD, shardName } from '../../src/write/output-directory.ts';

const newWork = () => workDirectory(memoryDirectory('work'));
const exl2 = JSON.stringify({ quantization_config: { quant_method: 'exl2' } });

test('an empty directory and an EXL2 model may be written to', async () => {
  await checkOutput(memoryDirectory('out'), newWork());
  for (const name of ['output.safetensors', 'output-00001-of-00002.safetensors', 'vision/a.safetensors']) {
    await checkOutput(memoryDirectory('out', { 'config.json': exl2, [name]: 'x' }), newWork());
  }
});

test('weight files have the names of ExLlamaV2, and are known by them', () => {
  expect(shardName(0, 1)).toBe('output.safetensors');
  expect(shardName(11, 12)).toBe('output-00012-of-00012.safetensors');
  for (const name of [shardName(0, 1), shardName(0, 2)]) expect(name).toMatch(SHARD);
});

test('what macOS and Windows leave there is nothing', async () => {
  const litter = { '._config.json': 'x', '.DS_Store': 'x', 'Thumbs.db': 'x' };
  await checkOutput(memoryDirectory('out', litter), newWork());
  const earlier = { 'config.json': exl2, 'output.safetensors': 'x', '._output.safetensors': 'x' };
  await checkOutput(memoryDirectory('out', { ...litter, ...earlier }), newWork());
});

test.each(['model.safetensors', 'output-of-mine.safetensors', 'Model.SafeTensors'])(
  'an EXL2 model whose weights would stay beside the new ones is refused: %s',
  async (name) => {
    const output = memoryDirectory('out', { 'config.json': exl2, 'output.safetensors': 'x', [name]: 'x' });
    const check = checkOutput(output, newWork());
    await expect(check).rejects.toThrow(InputError);
    await expect(check).rejects.toThrow(`not replaced (${name}): choose an empty or new one`);
  },
);

test.each([
  ['an original model', { 'config.json': '{"architectures": []}', 'model.safetensors': 'x' }],
  ['other files', { 'letter.txt': 'Dear …' }],
  ['a config.json that is damaged', { 'config.json': exl2.slice(1), 'output.safetensors': 'x' }],
  ['a config.json of null', { 'config.json': 'null' }],
  ['a config.json that is a list', { 'config.json': '[]' }],
  ['a quantization_config of null', { 'config.json': '{"quantization_config": null}' }],
])('%s is not overwritten', async (_, files) => {
  const check = checkOutput(memoryDirectory('out', files), newWork());
  await expect(check).rejects.toThrow(InputError);
  await expect(check).rejects.toThrow(/are not an EXL2 model \(.*, …\): choose an empty or new one\.$/);
});

test('a job that was stopped while it wrote goes on there, and nowhere else', async () => {
  const work = newWork();
  const output = memoryDirectory('out', { 'model-00001-of-00002.safetensors': 'x' });
  await expect(checkOutput(output, work)).rejects.toThrow('out holds files that are not an EXL2 model');
  await claimOutput(output, work);
  await checkOutput(output, work);
  await expect(checkOutput(memoryDirectory('letters', { 'a.txt': 'x' }), work)).rejects.toThrow('letters');
});

test('a directory that cannot be written to is refused before any work', async () => {
  const full = {
    ...memoryDirectory('full'),
    create: () => Promise.reject(new InputError('Cannot write full/config.json: the disk is full.')),
  };
  await expect(checkOutput(full, newWork())).rejects.toThrow('the disk is full');
  const output = memoryDirectory('out');
  await checkOutput(output, newWork());
  expect(await output.list()).toEqual([]);
});

test('a directory that does not exist yet is new', async () => {
  const root = await mkdtemp(join(tmpdir(), 'exl2-output-'));
  try {
    await checkOutput(nodeDirectory(join(root, 'new/out')), newWork());
    expect(existsSync(join(root, 'new/out/config.json'))).toBe(false);
  } finally {
    await rm(root, { recursive: true });
  }
  const gone = handleError(new DOMException('', 'NotFoundError'), 'read', 'out');
  await checkOutput({ ...memoryDirectory('out'), list: () => Promise.reject(gone) }, newWork());
});

test.each([
  ['Node', fileError(Object.assign(new Error('denied'), { code: 'EACCES' }), 'read', 'out/lost+found')],
  ['a browser', handleError(new DOMException('', 'NotAllowedError'), 'read', 'out/lost+found')],
])('a directory that %s cannot list is not taken for a new one', async (_, error) => {
  const output = { ...memoryDirectory('out', { 'a.txt': 'x' }), list: () => Promise.reject(error) };
  await expect(checkOutput(output, newWork())).rejects.toBe(error);
});
