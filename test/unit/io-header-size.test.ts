import { expect, test } from 'vitest';
import { valueCount } from '../../src/io/json/json.ts';
import { readHeader } from '../../src/io/safetensors/header.ts';
import { InputError } from '../../src/util/errors.ts';
import { entry, fileOf, sourceOf } from './io-fixtures.ts';

test('a header of many megabytes is not read, and nothing of its size is kept', async () => {
  const length = 25_000_001;
  const reads: number[] = [];
  const source = {
    name: 'model.safetensors',
    size: 10 ** 9,
    async read(start: number, end: number) {
      reads.push(end - start);
      return new Uint8Array(fileOf('{}', end, BigInt(length)).slice(start, end));
    },
  };
  const opened = readHeader(source);
  await expect(opened).rejects.toThrow(InputError);
  await expect(opened).rejects.toThrow(
    `model.safetensors starts with a header length of ${length} bytes; at most 25000000 are read, enough for 200,000 tensors: this is no safetensors file, or it is damaged. A larger model is saved in several files.`,
  );
  expect(Math.max(...reads)).toBeLessThan(1000);
});

test('the tensors of a very large model in one file are read', async () => {
  const count = 100_000; // more than DeepSeek-V3 has in all its files
  const names = Array.from(
    { length: count },
    (_, i) => `model.layers.${i >> 10}.mlp.experts.${i & 1023}.up_proj.weight`,
  );
  const text = `{${names.map((name, i) => `"${name}":${entry('BF16', [1, 1], [2 * i, 2 * i + 2])}`).join()}}`;
  const { tensors } = await readHeader(sourceOf(text, 2 * count));
  expect(tensors.size).toBe(count);
  expect([...tensors.keys()].at(-1)).toBe(names.at(-1));
});

test.each<[string, string]>([
  ['objects', `"x":[${'{},'.repeat(2.5e6)}{}]`],
  ['lists', `"x":[${'[],'.repeat(2.5e6)}[]]`],
  ['numbers', `"x":[${'1,'.repeat(2.5e6)}1]`],
])('millions of %s in a few megabytes are refused before they are parsed', async (_, field) => {
  const header = `{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],${field}}}`;
  await expect(readHeader(sourceOf(header))).rejects.toThrow(
    /^the header of bad\.safetensors has \d+ values; at most 2500000 are read, .*no file of a model/,
  );
});

test.each([
  ['1', 1],
  ['{}', 2],
  ['[1,2,3]', 4],
  ['{"a":[],"b":{"c":1}}', 5],
  ['"{[,"', 1],
  ['{"a\\"[[{,":"\\\\","b":1}', 3],
])('%s has at most %i values', (text, count) => {
  expect(valueCount(new TextEncoder().encode(text))).toBe(count);
});
