import { describe, expect, it } from 'vitest';
import { formatJson, parseJson, readJsonFile } from '../../src/io/json/json.ts';
import { memoryDirectory, memorySource } from '../../src/io/platform/memory-directory.ts';
import { writeJsonFile } from '../../src/io/write-file.ts';
import { InputError } from '../../src/util/errors.ts';

const read = (text: string) => readJsonFile(memorySource(new TextEncoder().encode(text), 'a.json'));

describe('JSON as Python writes it', () => {
  it('has numbers that are none', async () => {
    expect(await read('\ufeff{"a": [NaN, Infinity, -Infinity, 1e3], "b": {"c": NaN}}')).toEqual({
      a: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1000],
      b: { c: Number.NaN },
    });
    expect(await read(' -Infinity ')).toBe(Number.NEGATIVE_INFINITY);
  });

  it('keeps strings and keys that look like them', async () => {
    const value = { NaN: 'Infinity', 'a"NaN': '-Infinity \\', last: Number.POSITIVE_INFINITY };
    expect(await read('{"NaN": "Infinity", "a\\"NaN": "-Infinity \\\\", "last": Infinity}')).toEqual(value);
  });

  it.each([
    '{"a": nan}',
    '{"a": Infinityx}',
    '{"a": NaN',
    '"NaN',
    '{"a": "Infinity}',
    '{Infinity: 1}',
    '+Infinity',
    '',
  ])('%j is still no JSON', async (text) => {
    await expect(read(text)).rejects.toThrow(InputError);
    await expect(read(text)).rejects.toThrow(/a.json is not valid JSON/);
  });

  it('is written so again', async () => {
    const value = { limits: [0, Number.POSITIVE_INFINITY], none: Number.NaN, text: 'NaN', least: -1 / 0 };
    expect(formatJson(value)).toContain('"least": -Infinity');
    expect(parseJson(formatJson(value), 'x')).toEqual(value);
    const directory = memoryDirectory();
    await writeJsonFile(directory, 'config.json', value);
    expect(await readJsonFile((await directory.open('config.json'))!)).toEqual(value);
  });
});

it.each([
  ['version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n', /a.json is a git-lfs pointer/],
  ['<!DOCTYPE html><html></html>', /a.json is a web page/],
  ['Entry not found', /a.json is an error message of the server/],
])('%j in place of a JSON file gets its own message', async (text, message) => {
  await expect(read(text)).rejects.toThrow(message);
});
