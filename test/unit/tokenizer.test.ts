import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { nodeDirectory } from '../../src/io/platform/node/node-directory.ts';
import { loadTokenizer, type Tokenizer } from '../../src/tokenizer/tokenizer.ts';

const root = new URL('../..', import.meta.url);
const path = (relative: string): string => fileURLToPath(new URL(relative, root));

/** The ids that Hugging Face's tokenizers in Rust gives for each string with each tokenizer.json. */
const expected = JSON.parse(readFileSync(path('test/fixtures/tokenizer/expected.json'), 'utf8')) as {
  strings: string[];
  ids: Record<string, number[][]>;
};

/** `tokenizer-llama2` of these packages holds Mistral 7B's vocabulary: the same construction, other ids. */
const real = (name: string): string => path(`node_modules/@lenml/tokenizer-${name}/models`);
const CASES = [
  { name: 'llama2', directory: real('llama2'), bosId: 1, eosIds: [2], vocabSize: 32000 },
  { name: 'llama3', directory: real('llama3'), bosId: 128000, eosIds: [128001], vocabSize: 128256 },
  { name: 'qwen3', directory: real('qwen3'), bosId: undefined, eosIds: [151645], vocabSize: 151669 },
  { name: 'gemma3', directory: real('gemma3'), bosId: 2, eosIds: [106], vocabSize: 262145 },
  {
    name: 'tinystories',
    directory: path('public/models/tinystories-7m'),
    bosId: 1,
    eosIds: [2],
    vocabSize: 4096,
  },
];

/** Widely published ids, as a second witness. */
const PUBLISHED: Record<string, [string, number[]]> = {
  llama2: ['Hello world', [22557, 1526]],
  llama3: ['Hello world', [9906, 1917]],
  qwen3: ['Hello world', [9707, 1879]],
  gemma3: ['Hello world', [9259, 1902]],
};

describe.each(CASES)('$name', ({ name, directory, bosId, eosIds, vocabSize }) => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await loadTokenizer(nodeDirectory(directory));
  });

  test('encodes as the reference does', () => {
    expect(expected.strings.map((text) => tokenizer.encode(text))).toEqual(expected.ids[name]);
    const published = PUBLISHED[name];
    if (published) expect(tokenizer.encode(published[0])).toEqual(published[1]);
  });

  test('decodes what it encoded', () => {
    // Qwen composes accents (NFC); SentencePiece cannot tell "▁" in a text from a space.
    const exact = (text: string): string => (name === 'qwen3' ? text.normalize('NFC') : text);
    const texts = expected.strings.filter((text) => !text.includes('▁'));
    expect(texts.map((text) => tokenizer.decode(tokenizer.encode(text)))).toEqual(texts.map(exact));
  });

  test('knows which tokens begin and end a text, and how many there are', () => {
    expect(tokenizer.bosId).toBe(bosId);
    expect(tokenizer.eosIds).toEqual(eosIds);
    expect(tokenizer.vocabSize).toBe(vocabSize);
  });

  test('encodes a long text as its lines: no special tokens, nothing lost', () => {
    const text = expected.strings.filter((line) => !line.includes('▁')).join('\n');
    const long = `${text}\n`.repeat(40);
    const ids = tokenizer.encode(long);
    expect(tokenizer.decode(ids)).toBe(name === 'qwen3' ? long.normalize('NFC') : long);
    expect(Math.max(...ids)).toBeLessThan(vocabSize);
  });
});
