/** What the page makes of a comparison, with a coordinator that does as it is told. */

import { expect, test, vi } from 'vitest';
import { Comparison } from '../../src/app/state/comparison.ts';
import { comparisonWords } from '../../src/app/state/comparison-words.ts';
import type { TextRequest } from '../../src/inference/text-request.ts';
import type { CoordinatorApi } from '../../workers/api/coordinator.ts';
import type { TextEvent, TextListener } from '../../workers/api/texts.ts';

vi.mock('comlink', () => ({ proxy: <T>(value: T) => value }));

const PROMPT = { prompt: 'Once', maxTokens: 10, temperature: 0, topK: 0, topP: 1 };

type Script = (request: TextRequest, listener: TextListener) => Promise<void>;

function comparisonOf(script: Script, more: Partial<CoordinatorApi> = {}) {
  const api = {
    handles: async () => [],
    write: (_: string, __: number, request: TextRequest, listener: TextListener) => script(request, listener),
    ...more,
  } as unknown as CoordinatorApi;
  return new Comparison(api, 'a', 4);
}

const text = (letters: string): TextEvent[] => [
  { type: 'loading', done: 1, total: 1 },
  ...[...letters].map(
    (letter): TextEvent => ({ type: 'token', id: letter.charCodeAt(0), text: letter, likely: [] }),
  ),
];
const end: TextEvent = { type: 'ended', end: 'length' };

test('says what happens, and at which token the texts part', async () => {
  const said: string[] = [];
  const comparison = comparisonOf(async (_, tell) => {
    const say = () => said.push(comparisonWords(comparison));
    say();
    await tell({ side: 'original', events: [{ type: 'loading', done: 1, total: 1 }] });
    say();
    await tell({ side: 'original', events: [...text('abc'), end] });
    await tell({ side: 'quantized', events: [{ type: 'loading', done: 1, total: 9 }] });
    say();
    await tell({ side: 'quantized', events: text('abd') });
    say();
    expect(comparison.parting.value).toBeUndefined();
    await tell({ side: 'quantized', events: [end] });
  });
  expect(comparisonWords(comparison)).toBe('');
  await comparison.write(PROMPT);
  expect(said).toEqual([
    'Loading the original.',
    'The original reads the prompt.',
    'Loading the quantized model.',
    'The quantized model writes.',
  ]);
  expect(comparison.parting.value?.same).toBe(2);
  expect(comparisonWords(comparison)).toBe('The first 2 tokens are the same, then they part.');
});

test('a streamed original, which writes last, parts while it writes; stopped, the other text stays', async () => {
  const said: string[] = [];
  const comparison = comparisonOf(async (_, tell) => {
    const say = () => said.push(comparisonWords(comparison));
    await tell({ side: 'quantized', events: text('abd') });
    say();
    await tell({ side: 'quantized', events: [end] });
    await tell({ side: 'original', events: [{ type: 'placed', residence: 'streamed' }, ...text('ab')] });
    say();
    await tell({ side: 'original', events: [text('c')[1]!] });
    say();
  });
  await comparison.write(PROMPT);
  const parted = 'The first 2 tokens are the same, then they part.';
  expect(said).toEqual(['The quantized model writes.', 'The original writes.', parted]);
  const { original, quantized } = comparison.texts.value!;
  expect([original.state, quantized.state]).toEqual(['stopped', 'ended']);
  expect(comparisonWords(comparison)).toBe(parted);
});

test.each([
  ['abc', 'abc', 'All 3 tokens are the same.'],
  ['a', 'a', 'The one token is the same.'],
  ['abc', 'aXc', 'The first token is the same, then they part.'],
  ['abc', 'xyz', 'They differ from the first token on.'],
])('%s beside %s: %s', async (original, quantized, words) => {
  const comparison = comparisonOf(async (_, tell) => {
    await tell({ side: 'original', events: [...text(original), end] });
    await tell({ side: 'quantized', events: [...text(quantized), end] });
  });
  await comparison.write(PROMPT);
  expect(comparisonWords(comparison)).toBe(words);
});

test('a model that cannot run leaves the other text, without a comparison', async () => {
  const comparison = comparisonOf(async (_, tell) => {
    const failed = { type: 'failed', name: 'UnsupportedError', message: 'too large' } as const;
    await tell({ side: 'original', events: [failed] });
    await tell({ side: 'quantized', events: [...text('ab'), end] });
  });
  await comparison.write(PROMPT);
  expect(comparison.texts.value?.original.state).toBe('failed');
  expect(comparison.texts.value?.quantized.state).toBe('ended');
  expect(comparison.parting.value).toBeUndefined();
  expect(comparisonWords(comparison)).toBe('');
});

test('a stopped comparison says so; a refused one says why', async () => {
  const stopped = comparisonOf(async (_, tell) => tell({ side: 'original', events: text('ab') }));
  await stopped.write(PROMPT);
  expect(stopped.texts.value?.quantized.state).toBe('stopped');
  expect(comparisonWords(stopped)).toBe('Stopped.');

  const refused = comparisonOf(async () => {
    throw Object.assign(new Error('Another conversion is under way'), { name: 'InputError' });
  });
  await refused.write(PROMPT);
  expect(refused.failure.value?.message).toBe('Another conversion is under way');
  expect([refused.running.value, refused.texts.value]).toEqual([false, undefined]);
});

test('asks whether the folders may be read, and writes whatever the answer; each time with another seed', async () => {
  const asked: unknown[] = [];
  const handle = {
    requestPermission: async (wish: unknown) => {
      asked.push(wish);
      throw new Error('no click');
    },
  } as unknown as FileSystemDirectoryHandle;
  const seeds: number[] = [];
  const comparison = comparisonOf(async ({ seed }) => void seeds.push(seed), {
    handles: async () => [{ handle, mode: 'readwrite' }],
  });
  await comparison.write(PROMPT);
  await comparison.write(PROMPT);
  expect(asked).toEqual([{ mode: 'read' }, { mode: 'read' }]);
  expect(seeds).toEqual([0, 1]);
});

test('a folder that is chosen again must be the job’s', async () => {
  let writes = 0;
  const resume = vi.fn().mockRejectedValueOnce(new Error('This folder does not hold the model'));
  const comparison = comparisonOf(async () => void writes++, { resume });
  await comparison.writeFrom({ kind: 'demo' }, PROMPT);
  expect([comparison.failure.value?.message, writes]).toEqual(['This folder does not hold the model', 0]);
  await comparison.writeFrom({ kind: 'demo' }, PROMPT);
  expect(resume).toHaveBeenLastCalledWith('a', { kind: 'demo' });
  expect([comparison.failure.value, writes]).toEqual([undefined, 1]);
});
