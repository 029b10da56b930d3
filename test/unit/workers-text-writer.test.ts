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

/** A model of two layers, which do not repeat one word. */
function deeper(): ReadableDirectory {
  const files = tinyModel('internlm2');
  const config = { ...JSON.parse(String(files.get('config.json'))), num_hidden_layers: 2 };
  return memoryDirectory('deeper', { ...Object.fromEntries(files), 'config.json': JSON.stringify(config) });
}

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
    {
      key = 'a',
      directory = side === 'original' ? original : quantized,
      request = {},
      draft = [] as number[],
    } = {},
    see: (event: TextEvent) => void = () => {},
  ): Promise<TextEvent[]> => {
    const events: TextEvent[] = [];
    const open = () => {
      opened.push(`${side} ${key}`);
      return directory();
    };
    const writing = { side, key, open, request: { ...REQUEST, ...request }, gpuBudgetBytes: budget, draft };
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
  const [placed, none, one, two, ready] = events;
  expect(placed).toEqual({ type: 'placed', residence: 'ready' });
  expect([none, one, two]).toEqual([0, 1, 2].map((done) => ({ type: 'loading', done, total: 3 })));
  expect(ready).toEqual({ type: 'loading', done: 1, total: 1 });
  expect(textOf(events)).toHaveLength(4);
  expect(events.at(-1)).toEqual({ type: 'ended', end: 'length' });
  const alone = used();
  await write('quantized');
  const both = used();
  expect(both).toBeGreaterThan(alone);

  const again = await write('original');
  expect(again.slice(0, 2)).toEqual([placed, ready]);
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

/** Where the weights were at the end. */
const residenceIn = (events: readonly TextEvent[]) =>
  events.flatMap((event) => (event.type === 'placed' ? [event.residence] : [])).at(-1);

test('an original that does not fit writes the same as stored, or streamed, and tells of its runs', async () => {
  const sizes = setUp();
  const ready = await sizes.write('original', { directory: deeper });
  const bytes = sizes.used();
  for (const [budget, residence] of [
    [Math.floor(0.95 * bytes), 'stored'],
    [Math.floor(0.6 * bytes), 'streamed'],
  ] as const) {
    const { write, opened, used } = setUp(budget);
    const events = await write('original', { directory: deeper, draft: [textOf(ready)[0]!, 0] });
    expect([residenceIn(events), textOf(events)]).toEqual([residence, textOf(ready)]);
    expect(used()).toBeLessThan(0.7 * bytes);
    const runs = events.filter(({ type }) => type === 'run');
    // The prompt with the draft, of which one token is right, then two tokens more: four modules each.
    expect(runs).toHaveLength(residence === 'streamed' ? 12 : 0);
    // What was found out is kept for the next prompt.
    const before = opened.length;
    expect(residenceIn(await write('original', { directory: deeper }))).toBe(residence);
    expect(opened).toHaveLength(before);
  }
});

test('an output that is too large is refused before it is read', async () => {
  const { write, used } = setUp(30_000);
  await expect(write('quantized')).rejects.toThrow(
    /^Its weights take \d+ kB of GPU memory; 30\.0 kB may be used: start the conversion with a larger/,
  );
  expect(used()).toBe(0);
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

  // Not even for one module.
  const tooLittle = setUp(bytes / 20);
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
