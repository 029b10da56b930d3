import { describe, expect, it } from 'vitest';
import { memorySource } from '../../src/io/platform/memory-directory.ts';
import { readHeader } from '../../src/io/safetensors/header.ts';
import { InputError } from '../../src/util/errors.ts';
import { entry, fileOf, sourceOf } from './io-fixtures.ts';

const whole = entry('F32', [2], [0, 8]);
const textSource = (text: string) => memorySource(new TextEncoder().encode(text), 'model.safetensors');

describe('a good header', () => {
  it('gives tensors with absolute byte ranges in the order of their data', async () => {
    const text = `{"b":${entry('F16', [2, 2], [4, 12])},"__metadata__":{"format":"pt"},"a":${entry('I32', [], [0, 4])}}`;
    const { tensors, metadata } = await readHeader(sourceOf(text, 12));
    const start = 8 + text.length;
    expect([...tensors.values()]).toEqual([
      { name: 'a', dtype: 'I32', shape: [], begin: start, end: start + 4 },
      { name: 'b', dtype: 'F16', shape: [2, 2], begin: start + 4, end: start + 12 },
    ]);
    expect([...metadata]).toEqual([['format', 'pt']]);
  });

  it('may be empty, padded, or hold empty tensors', async () => {
    expect((await readHeader(sourceOf('{}   '))).tensors.size).toBe(0);
    const empties = `{"a":${entry('F32', [0, 7], [0, 0])},"b":${whole},"c":${entry('U8', [0], [8, 8])}}`;
    expect([...(await readHeader(sourceOf(empties, 8))).tensors.keys()]).toEqual(['a', 'b', 'c']);
  });

  it('takes names that mean something in JavaScript as names', async () => {
    const text =
      `{"__proto__":${entry('U8', [1], [0, 1])},"constructor":${entry('U8', [1], [1, 2])},` +
      '"__metadata__":{"__proto__":"x"}}';
    const { tensors, metadata } = await readHeader(sourceOf(text, 2));
    expect([...tensors.keys()]).toEqual(['__proto__', 'constructor']);
    expect(metadata.get('__proto__')).toBe('x');
    expect(Object.hasOwn(Object.prototype, 'dtype')).toBe(false);
  });

  it.each(['F4', 'C64', 'constructor', '__proto__'])('sets a tensor of dtype %s aside', async (dtype) => {
    const text = `{"a":${entry(dtype, [4], [0, 2])},"b":${entry('F32', [1], [2, 6])}}`;
    const { tensors, unreadable } = await readHeader(sourceOf(text, 6));
    expect([[...tensors.keys()], [...unreadable]]).toEqual([['b'], [['a', dtype]]]);
    await expect(readHeader(sourceOf(text, 5))).rejects.toThrow(/truncated/);
  });

  it('may have null for metadata', async () => {
    const { tensors, metadata } = await readHeader(sourceOf(`{"__metadata__":null,"a":${whole}}`, 8));
    expect([tensors.size, metadata.size]).toEqual([1, 0]);
  });

  it('tells a key from a string value and equal keys of different objects apart', async () => {
    const text = `{"__metadata__":{"a":"a","b":"\\"a\\":"},"a":${whole}}`;
    expect((await readHeader(sourceOf(text, 8))).metadata.get('b')).toBe('"a":');
  });
});

describe('a hostile or damaged header is refused with its reason', () => {
  const cases: [what: string, header: string | Uint8Array, dataBytes: number, message: RegExp][] = [
    ['invalid JSON', '{"a":', 0, /not valid JSON/],
    ['an array', '[]', 0, /does not start with '\{'/],
    ['a leading space', ' {}', 0, /does not start with '\{'/],
    ['a zero-length header', '', 0, /does not start with '\{'/],
    ['invalid UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]), 0, /not valid UTF-8/],
    ['a tensor twice', `{"a":${whole},"a":${whole}}`, 8, /key "a" twice/],
    ['a tensor twice, once escaped', `{"a":${whole},"\\u0061" :${whole}}`, 8, /key "a" twice/],
    [
      'a field twice',
      '{"a":{"dtype":"F32","dtype":"F16","shape":[],"data_offsets":[0,4]}}',
      4,
      /"dtype" twice/,
    ],
    ['an entry that is no object', '{"a":[1]}', 0, /entry is not an object/],
    ['no dtype', '{"a":{"shape":[],"data_offsets":[0,0]}}', 0, /tensor "a" in bad.safetensors has no dtype/],
    ['no shape', '{"a":{"dtype":"F32","data_offsets":[0,4]}}', 4, /shape missing/],
    ['a negative size', `{"a":${entry('F32', [-1], [0, 4])}}`, 4, /shape \[-1\]/],
    ['a fractional size', `{"a":${entry('F32', [1.5], [0, 6])}}`, 6, /shape \[1.5\]/],
    ['a size as text', `{"a":${entry('F32', ['1'], [0, 4])}}`, 4, /shape \["1"\]/],
    ['a huge size', '{"a":{"dtype":"F32","shape":[1e300],"data_offsets":[0,4]}}', 4, /shape \[1e\+300\]/],
    ['a product past 2^53', `{"a":${entry('F32', [2 ** 40, 2 ** 40], [0, 4])}}`, 4, /more than 2\^53/],
    ['bytes past 2^53', `{"a":${entry('F64', [2 ** 51], [0, 4])}}`, 4, /more than 2\^53/],
    [
      'a product that wraps to its range in 64 bits',
      `{"a":${entry('U8', [2 ** 32, 2 ** 32], [0, 0])}}`,
      0,
      /2\^53/,
    ],
    ['no offsets', '{"a":{"dtype":"F32","shape":[]}}', 4, /data_offsets missing/],
    ['one offset', `{"a":${entry('F32', [], [4])}}`, 4, /expected \[begin, end\]/],
    ['offsets turned round', `{"a":${entry('F32', [], [4, 0])}}`, 4, /expected \[begin, end\]/],
    ['a negative offset', `{"a":${entry('F32', [], [-4, 0])}}`, 4, /expected \[begin, end\]/],
    ['offsets that do not fit the shape', `{"a":${entry('F32', [3], [0, 8])}}`, 8, /takes 12 bytes.*hold 8/],
    ['an overlap', `{"a":${whole},"b":${entry('F32', [1], [4, 8])}}`, 8, /"a" and tensor "b" overlap by 4/],
    ['the same range twice', `{"a":${whole},"b":${whole}}`, 8, /overlap by 8/],
    ['a gap', `{"a":${whole},"b":${entry('F32', [1], [12, 16])}}`, 16, /"a" and tensor "b" leave a gap of 4/],
    [
      'a gap before the first',
      `{"a":${entry('F32', [1], [4, 8])}}`,
      8,
      /the header and tensor "a" leave a gap of 4/,
    ],
    ['missing data', `{"a":${whole}}`, 3, /truncated.*5 are missing/],
    ['data left over', `{"a":${whole}}`, 9, /1 bytes after its last tensor/],
    ['metadata that is no object', '{"__metadata__":"pt"}', 0, /__metadata__ is not an object of strings/],
    ['metadata that is no text', '{"__metadata__":{"a":1}}', 0, /__metadata__ "a" is not a string/],
  ];

  it.each(cases)('%s', async (_what, header, dataBytes, message) => {
    const error = await readHeader(sourceOf(header, dataBytes)).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toContain('bad.safetensors');
  });

  it('a length past the limit, past the file, or of 2^64 − 1', async () => {
    await expect(readHeader(sourceOf('{}', 0, 25_000_001n))).rejects.toThrow(/at most 25000000 are read/);
    await expect(readHeader(sourceOf('{}', 0, 2n ** 64n - 1n))).rejects.toThrow(/at most 25000000/);
    await expect(readHeader(sourceOf('{}', 0, 12n))).rejects.toThrow(/truncated.*12 bytes, and 10 of them/);
  });

  it('fewer than eight bytes', async () => {
    await expect(readHeader(memorySource(new Uint8Array(0), 'a'))).rejects.toThrow(/a has 0 bytes/);
    await expect(readHeader(memorySource(new Uint8Array(7), 'a'))).rejects.toThrow(/a has 7 bytes/);
  });

  it('a name of a megabyte is cut in the message', async () => {
    const error = await readHeader(sourceOf(`{"${'x'.repeat(1e6)}":1}`)).catch((caught: Error) => caught);
    expect((error as Error).message.length).toBeLessThan(300);
  });

  it('deep nesting is refused quickly', async () => {
    const depth = 50_000;
    const text = `{"a":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`;
    await expect(readHeader(sourceOf(text))).rejects.toThrow(/"a" in bad.safetensors has no dtype/);
  });

  it('every truncation of a good file', async () => {
    const file = fileOf(`{"a":${whole}}`, 8);
    for (let size = 0; size < file.length; size++) {
      await expect(readHeader(memorySource(file.subarray(0, size), 'cut')), `${size} bytes`).rejects.toThrow(
        InputError,
      );
    }
  });
});

describe('files that are something else get their own message', () => {
  it.each([
    ['version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n', /git-lfs pointer.*git lfs pull/],
    ['<!DOCTYPE html><html><body>Not found</body></html>', /web page/],
    ['\n  <html lang="en">', /web page/],
    ['Entry not found', /error message of the server/],
    ['{"error":"Repository not found"}', /error message of the server/],
    ['GGUF\x03\0\0\0\0\0\0\0', /GGUF file under a wrong name/],
    ['PK\x03\x04\0\0\x08\x08\0\0\0\0', /ZIP archive or a PyTorch file/],
  ])('%j', async (text, message) => {
    await expect(readHeader(textSource(text))).rejects.toThrow(message);
  });
});
