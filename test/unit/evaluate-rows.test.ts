import { expect, test } from 'vitest';
import { documentRows, splitDocuments, variedRows } from '../../src/evaluate/text-rows.ts';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { InputError } from '../../src/util/errors.ts';

/** A token a character: its code. */
const tokenizer: Tokenizer = {
  encode: (text) => Array.from(text, (char) => char.charCodeAt(0)),
  decode: (ids) => String.fromCharCode(...ids),
  bosId: 1,
  eosIds: [2],
  vocabSize: 256,
};
const text = (ids: Int32Array) =>
  Array.from(ids, (id) => (id > 2 ? String.fromCharCode(id) : `<${id}>`)).join('');

test('documents are between separators, without white space around them', () => {
  expect(splitDocuments('one\n<|endoftext|>\n two <|endoftext|><|endoftext|>\n')).toEqual(['one', 'two']);
});

test('rows run over documents, each between the tokens that begin and end a text', async () => {
  const { rows, length, ids } = await documentRows('t', ['abc', 'defg', 'hi'], tokenizer, 4, 10);
  expect([rows, length]).toEqual([3, 4]);
  expect(text(ids)).toBe('<1>abc<2><1>defg<2><1>');
});

test('no more rows than asked for, and models without such tokens', async () => {
  const plain = { ...tokenizer, bosId: undefined, eosIds: [] };
  const { rows, ids } = await documentRows('t', ['abc', 'defg'], plain, 3, 2);
  expect([rows, text(ids)]).toEqual([2, 'abcdef']);
});

test('too little text says how much there is', async () => {
  const rows = documentRows('book.txt', ['abc'], tokenizer, 6, 2);
  await expect(rows).rejects.toThrow(InputError);
  await expect(rows).rejects.toThrow(/^book\.txt has 5 tokens/);
});

test('varied rows take categories in turn, and leave out what is too short', async () => {
  const texts = [
    { category: 'a', text: 'aaaa' },
    { category: 'a', text: 'AAAA' },
    { category: 'b', text: 'b' },
    { category: 'b', text: 'BBBB' },
    { category: 'c', text: 'cccc' },
  ];
  expect(text((await variedRows('t', texts, tokenizer, 4, 2)).ids)).toBe('<1>aaa<1>ccc');
  expect(text((await variedRows('t', texts, tokenizer, 4, 9)).ids)).toBe('<1>aaa<1>ccc<1>AAA<1>BBB');
  const joined = await variedRows('t', texts.slice(2, 4), tokenizer, 6, 9);
  expect(text(joined.ids)).toBe('<1>b<2><1>BB');
});
