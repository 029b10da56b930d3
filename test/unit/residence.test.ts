/** Models whose weights are not on the GPU as they are multiplied by: the same texts, in less memory. */

import { afterAll, expect, test } from 'vitest';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { type GenerateOptions, generate } from '../../src/inference/generate.ts';
import { LanguageModel } from '../../src/inference/language-model.ts';
import { GREEDY } from '../../src/inference/sampling.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { loadedBytes, residenceFor } from '../../src/runnable/loaded-bytes.ts';
import type { Residence } from '../../src/runnable/residence.ts';
import { openRunnableModel } from '../../src/runnable/runnable-model.ts';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.ts';
import { exl2Directory } from '../support/exl2-model.ts';
import { testGpu } from '../support/gpu.ts';
import { tinyModel } from '../support/tiny-model.ts';

const signal = new AbortController().signal;
const AMPLE = 2 ** 28;

/** One device for each budget. */
const gpus = new Map<number, Promise<Gpu>>();
afterAll(async () => {
  for (const gpu of gpus.values()) (await gpu).destroy();
});

function gpuOf(budget: number): Promise<Gpu> {
  const gpu = gpus.get(budget) ?? testGpu(budget);
  gpus.set(budget, gpu);
  return gpu;
}

async function opened(name: string, layers = 2) {
  const files = tinyModel(name);
  const config = { ...JSON.parse(String(files.get('config.json'))), num_hidden_layers: layers };
  files.set('config.json', Buffer.from(JSON.stringify(config)));
  const directory = memoryDirectory(name, Object.fromEntries(files));
  return { model: await openRunnableModel(directory), tokenizer: await loadTokenizer(directory) };
}

type Opened = Awaited<ReturnType<typeof opened>>;

/** What a model writes within a budget, its runs by module, and the most memory that it took. */
async function write(
  { model, tokenizer }: Opened,
  residence: Residence,
  options: Partial<GenerateOptions> = {},
  budget = AMPLE,
) {
  const gpu = await gpuOf(budget);
  const loaded = await LanguageModel.load(gpu, model, () => {}, residence);
  const held = gpu.memory.used;
  let modules = 0;
  const onModule = () => void modules++;
  const request = { prompt: 'Once upon', maxTokens: 12, seed: 3, signal, likely: 4, onModule };
  const steps: unknown[] = [];
  const rates: number[] = [];
  const tokens = generate(gpu, loaded, tokenizer, { ...GREEDY, ...request, ...options });
  let step = await tokens.next();
  for (; !step.done; step = await tokens.next()) {
    const { id, text, likely, tokensPerSecond } = step.value;
    steps.push({ id, text, likely });
    rates.push(tokensPerSecond);
  }
  loaded.free();
  expect(gpu.memory.used).toBe(0);
  const ids = steps.map((each) => (each as { id: number }).id);
  const runs = modules / model.outline.modules.length;
  return { steps, ids, rates, end: step.value, held, runs };
}

test.each(['llama_tied_bias', 'internlm2', 'phi3'])(
  '%s writes the same, to the last digit, with its weights as stored and with none on the GPU',
  async (name) => {
    const tiny = await opened(name);
    const ready = await write(tiny, 'ready');
    const stored = await write(tiny, 'stored');
    const streamed = await write(tiny, 'streamed');
    expect(ready.steps).toHaveLength(12);
    expect(stored.steps).toEqual(ready.steps);
    expect(streamed.steps).toEqual(ready.steps);
    expect(streamed.held).toBeLessThan(stored.held / 4);
    expect(stored.held).toBeLessThan(0.6 * ready.held);
  },
);

test('it writes within a budget in which it cannot be loaded', async () => {
  const tiny = await opened('internlm2');
  const full = loadedBytes(tiny.model);
  expect(residenceFor(tiny.model, full)).toBe('ready');
  const { ids, held } = await write(tiny, 'ready');
  const budgets = [Math.floor(0.95 * held), Math.floor(0.6 * held)];
  expect(budgets.map((budget) => residenceFor(tiny.model, budget))).toEqual(['stored', 'streamed']);
  for (const budget of budgets) {
    await expect(write(tiny, 'ready', {}, budget)).rejects.toThrow(/of the budget/);
    const residence = residenceFor(tiny.model, budget);
    expect((await write(tiny, residence, {}, budget)).ids).toEqual(ids);
  }
});

test('EXL2 weights are always ready', async () => {
  const model = await openRunnableModel(exl2Directory('llama_tied_bias'));
  expect(residenceFor(model, 1)).toBe('ready');
});

test('a draft is taken as far as it is right, in one run; what follows is the model’s own', async () => {
  const tiny = await opened('internlm2');
  const alone = await write(tiny, 'ready');
  expect([alone.runs, new Set(alone.ids).size > 2]).toEqual([12, true]);
  const draft = [...alone.ids.slice(0, 7), alone.ids[7]! + 1, ...alone.ids.slice(8, 10)];
  const drafted = await write(tiny, 'streamed', { draft });
  expect(drafted.ids).toEqual(alone.ids);
  // The eighth token came with the first run, too.
  expect(drafted.runs).toBe(1 + 4);
  expect(drafted.rates.map((rate) => rate > 0)).toEqual([...Array(8).fill(false), ...Array(4).fill(true)]);
  expect((await write(tiny, 'streamed', { draft: alone.ids })).runs).toBe(1);
  expect((await write(tiny, 'streamed', { draft: [0] })).ids).toEqual(alone.ids);
});

test('with a draft, drawn tokens are those that would have been drawn without', async () => {
  const tiny = await opened('internlm2');
  const sampling = { temperature: 2, topK: 50, topP: 1, seed: 7 };
  const { ids } = await write(tiny, 'ready', sampling);
  expect((await write(tiny, 'ready', { ...sampling, draft: ids.slice(0, 5) })).ids).toEqual(ids);
});

test('a draft that is longer than the context is cut', async () => {
  const tiny = await opened('internlm2', 1);
  const prompt = 'no '.repeat(tiny.tokenizer.encode('no no').length > 2 ? 100 : 120);
  const request = { prompt, maxTokens: 200 };
  const alone = await write(tiny, 'ready', request);
  expect(alone.end).toBe('context');
  const drafted = await write(tiny, 'ready', { ...request, draft: [...alone.ids, ...alone.ids] });
  expect([drafted.ids, drafted.end]).toEqual([alone.ids, 'context']);
});
