/** What is kept on the GPU between prompts, and what happens when it does not suffice; on a real device. */

import { afterEach, expect, test } from 'vitest';
import type { Gpu } from '../../src/gpu/gpu.ts';
import type { ReadableDirectory } from '../../src/io/bytes.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.ts';
import type { TextEvent, TextSide } from '../../workers/api/texts.ts';
import { TextWriter } from '../../workers/text-writer.ts';
import { exl2Directory } from '../support/exl2-model.ts';
import { testGpu } from '../support/gpu.ts';
import { tinyModel } from '../support/tiny-model.ts';

const NAME = 'llama_tied_bias';
const AMPLE = 2 ** 28;
const REQUEST = { prompt: 'Once upon', maxTokens: 4, temperature: 0, topK: 0, topP: 1, seed: 0 };

const original = (): ReadableDirectory => memoryDirectory('tiny', Object.fromEntries(tinyModel(NAME)));

/** ExLlamaV2's conversion of the model, with the tokenizer. */
function quantized(): ReadableDirectory {
  const [exl2, tokenizer] = [exl2Directory(NAME), original()];
  return { ...exl2, open: async (path) => (await exl2.open(path)) ?? tokenizer.open(path) };
}

const writers: TextWriter[] = [];
afterEach(async () => {
  for (const writer of writers.splice(0)) await writer.free();
});

/** A writer, its devices, and what was opened. */
function setUp(budget = AMPLE) {
  const gpus: Gpu[] = [];
  const opened: string[] = [];
  const writer = new TextWriter(async (bytes) => {
    const gpu = await testGpu(bytes);
    gpus.push(gpu);
    return gpu;
  });
  writers.push(writer);
  const write = async (
    side: TextSide,
    { key = 'a', directory = side === 'original' ? original : quantized, request = {} } = {},
    see: (event: TextEvent) => void = () => {},
  ): Promise<TextEvent[]> => {
    const events: TextEvent[] = [];
    const open = () => {
      opened.push(`${side} ${key}`);
      return directory();
    };
    const writing = { side, key, open, request: { ...REQUEST, ...request }, gpuBudgetBytes: budget };
    await writer.write(writing, (event) => {
      events.push(event);
      see(event);
    });
    return events;
  };
  const used = () => gpus.at(-1)?.memory.used ?? 0;
  return { writer, write, gpus, opened, used };
}

const textOf = (events: readonly TextEvent[]) =>
  events.flatMap((event) => (event.type === 'token' ? [event.id] : []));

test('loads with progress, writes, and keeps both models for the next prompt', async () => {
  const { write, gpus, opened, used } = setUp();
  const events = await write('original');
  const [none, one, two, ready] = events;
  expect([none, one, two]).toEqual([0, 1, 2].map((done) => ({ type: 'loading', done, total: 3 })));
  expect(ready).toEqual({ type: 'loading', done: 1, total: 1 });
  expect(textOf(events)).toHaveLength(4);
  expect(events.at(-1)).toEqual({ type: 'ended', end: 'length' });
  const alone = used();
  await write('quantized');
  const both = used();
  expect(both).toBeGreaterThan(alone);

  const again = await write('original');
  expect(again[0]).toEqual({ type: 'loading', done: 1, total: 1 });
  expect(textOf(again)).toEqual(textOf(events));
  expect([opened, used(), gpus.length]).toEqual([['original a', 'quantized a'], both, 1]);
});

test('another model takes the place of the one before; freeing gives all back', async () => {
  const { writer, write, gpus, opened, used } = setUp();
  await write('original');
  const one = used();
  await write('original', { key: 'b' });
  expect([used(), opened]).toEqual([one, ['original a', 'original b']]);
  await writer.free();
  expect(used()).toBe(0);
  await write('original', { key: 'b' });
  expect([gpus.length, opened.length]).toEqual([2, 3]);
});

test('a model that is too large is refused before it is read, and the other one stays', async () => {
  const sizes = setUp();
  await sizes.write('quantized');
  const { write, opened, used } = setUp(sizes.used() + 200_000);
  await write('quantized');
  const before = used();
  await expect(write('original')).rejects.toThrow(
    /^Its weights, with 32 bits each, take \d+ kB of GPU memory; \d+ kB may be used/,
  );
  expect(used()).toBe(before);
  await write('quantized');
  expect(opened).toEqual(['quantized a', 'original a']);
});

test('when both do not fit, the one that writes stays', async () => {
  const sizes = setUp();
  await sizes.write('original');
  const bytes = sizes.used();
  const { write, opened, used } = setUp(Math.floor(bytes * 1.7));
  await write('original');
  const one = used();
  const events = await write('quantized', { directory: original });
  expect(textOf(events)).toHaveLength(4);
  expect(used()).toBe(one);
  expect(opened).toEqual(['original a', 'quantized a', 'quantized a']);

  const tooLittle = setUp(bytes + 4096);
  await expect(tooLittle.write('original')).rejects.toThrow(
    /^GPU memory does not suffice for it: .* of the budget/,
  );
  expect(tooLittle.used()).toBe(0);
});

test('stops at the next token, and writes again from what is loaded', async () => {
  const { writer, write, opened } = setUp();
  const request = { maxTokens: 200 };
  let written = 0;
  const stopped = write('original', { request }, ({ type }) => {
    if (type === 'token' && ++written === 3) void writer.stop();
  });
  await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
  expect(written).toBe(3);
  expect(textOf(await write('original'))).toHaveLength(4);
  expect(opened).toHaveLength(1);
});

test('says when the context is full', async () => {
  const { encode } = await loadTokenizer(original());
  let prompt = 'no';
  while (encode(prompt).length < 250) prompt += ' no';
  const events = await setUp().write('original', { request: { prompt, maxTokens: 100 } });
  expect(textOf(events).length).toBeLessThan(8);
  expect(events.at(-1)).toEqual({ type: 'ended', end: 'context' });
});

test('what failed is opened anew for the next prompt', async () => {
  const { write, opened } = setUp();
  await expect(write('original', { request: { prompt: 'word '.repeat(300) } })).rejects.toThrow(
    /context ends at 256/,
  );
  expect(textOf(await write('original'))).toHaveLength(4);
  expect(opened).toHaveLength(2);
});
