import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { withScope } from '../../src/gpu/scope.ts';
import { type GenerateOptions, generate } from '../../src/inference/generate.ts';
import { LanguageModel } from '../../src/inference/language-model.ts';
import { GREEDY, mostLikely } from '../../src/inference/sampling.ts';
import { TextStream } from '../../src/inference/text-stream.ts';
import { nodeDirectory } from '../../src/io/platform/node/node-directory.ts';
import { openRunnableModel } from '../../src/runnable/runnable-model.ts';
import { loadTokenizer, type Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { InputError } from '../../src/util/errors.ts';
import { testGpu } from '../support/gpu.ts';

const MODEL = 'public/models/tinystories-7m';

let gpu: Gpu;
let model: LanguageModel;
let tokenizer: Tokenizer;
beforeAll(async () => {
  gpu = await testGpu();
  const directory = nodeDirectory(MODEL);
  model = await LanguageModel.load(gpu, await openRunnableModel(directory));
  tokenizer = await loadTokenizer(directory);
});
afterAll(() => {
  model.free();
  gpu.destroy();
});

const signal = new AbortController().signal;
const PROMPT = 'Once upon a time';

async function run(options: Partial<GenerateOptions> = {}): Promise<{ ids: number[]; text: string }> {
  const all = { prompt: PROMPT, maxTokens: 8, seed: 1, signal, ...GREEDY, ...options };
  const ids: number[] = [];
  let text = '';
  for await (const token of generate(gpu, model, tokenizer, all)) {
    ids.push(token.id);
    text += token.text;
    expect(token.count).toBe(ids.length);
  }
  return { ids, text };
}

test('greedy text is a story, and what the whole text run at once would go on with', async () => {
  const { ids, text } = await run();
  expect(text).toBe(', there was a little girl named Lily');
  const prompt = [tokenizer.bosId!, ...tokenizer.encode(PROMPT)];
  const before = [...prompt, ...ids.slice(0, -1)];
  const logits = await withScope(gpu, (scope) => model.next(before, model.newCache(scope, before.length)));
  expect(mostLikely(logits)).toBe(ids.at(-1));
});

test('sampled text depends on the seed alone', async () => {
  const sampling = { temperature: 3, topK: 50, topP: 0.95, maxTokens: 4 };
  const first = await run({ ...sampling, seed: 5 });
  expect(await run({ ...sampling, seed: 5 })).toEqual(first);
  const others = await Promise.all([6, 7, 8].map((seed) => run({ ...sampling, seed })));
  expect(others.some(({ ids }) => ids.join() !== first.ids.join())).toBe(true);
});

test('ends with the text', async () => {
  const [end] = (await run({ maxTokens: 3 })).ids.slice(2);
  const stopping: Tokenizer = { ...tokenizer, eosIds: [end!] };
  const tokens = generate(gpu, model, stopping, { prompt: PROMPT, maxTokens: 4, seed: 1, signal, ...GREEDY });
  const steps = [await tokens.next(), await tokens.next(), await tokens.next()];
  expect(steps.map(({ done }) => done)).toEqual([false, false, true]);
  expect(steps[2]!.value).toBe('model');
});

test('can be stopped, and frees its cache', async () => {
  const controller = new AbortController();
  const used = gpu.memory.used;
  const options = { prompt: PROMPT, maxTokens: 50, seed: 1, signal: controller.signal, ...GREEDY };
  const stopped = async () => {
    for await (const { count } of generate(gpu, model, tokenizer, options))
      if (count === 2) controller.abort();
  };
  await expect(stopped()).rejects.toThrow('abort');
  expect(gpu.memory.used).toBe(used);
});

test('a prompt longer than the context is refused', async () => {
  await expect(run({ prompt: 'word '.repeat(2100) })).rejects.toThrow(InputError);
});

test('a character of several tokens comes when it is whole', () => {
  const bytes = new TextEncoder().encode('a→b');
  const stream = new TextStream(
    { ...tokenizer, decode: (ids) => new TextDecoder().decode(Uint8Array.from(ids)) },
    [...new TextEncoder().encode('start ')],
  );
  expect([...bytes].map((byte) => stream.add(byte))).toEqual(['a', '', '', '→', 'b']);
});
