import { expect, test } from 'vitest';
import { readJsonFile } from '../../src/io/json/json.ts';
import { memorySource } from '../../src/io/platform/memory-directory.ts';
import { InputError } from '../../src/util/errors.ts';

const read = (text: string) => readJsonFile(memorySource(new TextEncoder().encode(text), 'config.json'));
const nested = (depth: number) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;

test('JSON that is nested so deep that stacks run out is refused with its name', async () => {
  await read(nested(400));
  for (const depth of [600, 100_000]) {
    await expect(read(nested(depth))).rejects.toThrow(InputError);
    await expect(read(nested(depth))).rejects.toThrow('config.json is nested more than 500 levels deep');
  }
});

test('brackets in strings, and wide JSON, are no nesting', async () => {
  const wide = { '[{"\\': '['.repeat(1000), list: Array.from({ length: 200_000 }, (_, i) => ({ i })) };
  expect(await read(JSON.stringify(wide))).toEqual(wide);
});
