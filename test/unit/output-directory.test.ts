import { expect, test } from 'vitest';
import { checkOutput, claimOutput } from '../../src/convert/output-directory.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { workDirectory } from '../../src/io/work-directory.ts';
import { InputError } from '../../src/util/errors.ts';

const newWork = () => workDirectory(memoryDirectory('work'));
const exl2 = JSON.stringify({ quantization_config: { quant_method: 'exl2' } });

test('an empty directory and an EXL2 model may be written to', async () => {
  await checkOutput(memoryDirectory('out'), newWork());
  await checkOutput(memoryDirectory('out', { 'config.json': exl2, 'model.safetensors': 'x' }), newWork());
});

test.each([
  ['an original model', { 'config.json': '{"architectures": []}', 'model.safetensors': 'x' }],
  ['other files', { 'letter.txt': 'Dear …' }],
])('%s is not overwritten', async (_, files) => {
  await expect(checkOutput(memoryDirectory('out', files), newWork())).rejects.toThrow(InputError);
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
