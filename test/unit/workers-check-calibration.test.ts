/** The user's own calibration text, looked at when it is chosen. */

import { expect, test, vi } from 'vitest';
import { InputError } from '../../src/util/errors.ts';
import { checkCalibration } from '../../workers/check-calibration.ts';
import type { OpenedModel } from '../../workers/open-source.ts';
import { architectureModel } from '../support/architectures.ts';

const { closed } = vi.hoisted(() => ({ closed: { count: 0 } }));

/** A token for each letter. */
vi.mock('../../workers/tokenizer-client.ts', () => ({
  openTokenizer: async () => ({
    vocabSize: 128,
    eosIds: [],
    encode: (text: string) => [...text].map((letter) => letter.charCodeAt(0) % 128),
    close: () => closed.count++,
  }),
}));

async function check(
  name: string,
  content: string | Uint8Array<ArrayBuffer>,
  preset: 'quick' | 'standard' = 'quick',
) {
  const { plan } = await architectureModel('qwen3');
  const model = { plan, source: { name: 'tiny' } } as unknown as OpenedModel;
  return checkCalibration(model, { kind: 'demo' }, new File([content], name), preset);
}

test('text that suffices is taken, and the tokenizer is closed', async () => {
  const before = closed.count;
  await check('enough.txt', 'a story of some words. '.repeat(20_000));
  expect(closed.count).toBe(before + 1);
});

test.each([
  ['empty.txt', '', /^empty\.txt has no text: it is empty/],
  [
    'hello.txt',
    'hello world',
    /^hello\.txt has 11 tokens; \d+ are needed \(\d+ rows of 64\)\. Give more text\.$/,
  ],
  ['none.parquet', 'no parquet at all', /^none\.parquet could not be read as Parquet/],
  ['picture.txt', Uint8Array.of(137, 80, 78, 71, 0, 1), /^picture\.txt has a NUL byte/],
])('%s is refused in words', async (name, content, words) => {
  const before = closed.count;
  const refused = check(name, content);
  await expect(refused).rejects.toThrow(words);
  await expect(refused).rejects.toBeInstanceOf(InputError);
  expect(closed.count).toBe(before + 1);
});

test('what is too short for the standard amount may do for the quick one, and no option of a command line is named', async () => {
  const refused = check('hello.txt', 'hello world', 'standard');
  await expect(refused).rejects.toThrow(/or choose the quick amount of calibration text\.$/);
  await expect(refused).rejects.not.toThrow('--');
});
