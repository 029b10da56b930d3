import { afterAll, expect, test, vi } from 'vitest';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { HiddenStates } from '../../src/model/gpu/states/states.ts';
import { ModuleLoader } from '../../src/pass/module-loader.ts';
import { OutOfMemoryError } from '../../src/util/errors.ts';
import { testGpu } from '../support/gpu.ts';
import { eventually } from '../support/patience.ts';
import { tinyModel, tinyStages } from '../support/tiny-job.ts';

const MODEL = tinyModel(1);
const LENGTH = 24;

const gpus: { destroy(): void }[] = [];
afterAll(() => {
  for (const gpu of gpus) gpu.destroy();
});

/** A loader on a GPU of its own, and states of one row with so much room on it. */
async function loader({ budget, room }: { budget?: number; room?: number } = {}) {
  const gpu = await testGpu(budget);
  gpus.push(gpu);
  const { context } = await tinyStages(gpu, MODEL, memoryDirectory('work'));
  const states = new HiddenStates(gpu, 1, LENGTH, context.plan.config.hiddenSize, {
    ...(room !== undefined && { room }),
  });
  const read = vi.spyOn(context.source, 'readRows');
  const [first, second] = context.plan.modules;
  const before = gpu.memory.used;
  return {
    gpu,
    states,
    read,
    first: first!,
    second: second!,
    before,
    modules: new ModuleLoader(context, LENGTH),
  };
}

type Opened = Awaited<ReturnType<typeof loader>>;

/** Weights of the second module as they come to be used, and how often the file was read for that. */
async function use({ gpu, read, second, modules }: Opened) {
  const reads = read.mock.calls.length;
  const { scope, loaded } = await modules.take(second);
  const weights = [...loaded.linears.values()].map(
    async ({ slices }) => new Float32Array(await gpu.read(slices[0]!.w)),
  );
  const used = { weights: await Promise.all(weights), reads: read.mock.calls.length - reads };
  scope.freeAll();
  return used;
}

test('a module that was loaded ahead is used as it is, and its memory given back', async () => {
  const plain = await loader();
  const { weights, reads } = await use(plain);
  expect(reads).toBeGreaterThan(0);
  const opened = await loader();
  opened.modules.loadAhead(opened.second, opened.states);
  await eventually(() => expect(opened.read).toHaveBeenCalledTimes(reads));
  expect(await use(opened)).toEqual({ weights, reads: 0 });
  expect(opened.gpu.memory.used).toBe(opened.before);
});

test('another one than is used, or none at all, leaves nothing behind', async () => {
  const opened = await loader();
  opened.modules.loadAhead(opened.first, opened.states);
  expect((await use(opened)).reads).toBeGreaterThan(0);
  expect(opened.gpu.memory.used).toBe(opened.before);
  opened.modules.loadAhead(opened.first, opened.states);
  await opened.modules.free();
  expect(opened.gpu.memory.used).toBe(opened.before);
});

test('a second module is not loaded over the first', async () => {
  const opened = await loader();
  opened.modules.loadAhead(opened.first, opened.states);
  opened.modules.loadAhead(opened.second, opened.states);
  await opened.modules.free();
  expect(opened.gpu.memory.used).toBe(opened.before);
});

test.each([
  ['its weights leave no room for two batches', { budget: 400 * 2 ** 10 }],
  ['states wait in main memory', { room: 0 }],
])('nothing is loaded ahead where %s', async (_, where) => {
  const opened = await loader(where);
  opened.modules.loadAhead(opened.second, opened.states);
  await opened.modules.free();
  expect(opened.read).not.toHaveBeenCalled();
});

test('what memory did not suffice for ahead is loaded when it is used', async () => {
  const opened = await loader();
  vi.spyOn(opened.gpu.memory, 'acquire').mockImplementationOnce(() => {
    throw new OutOfMemoryError('no memory left');
  });
  opened.modules.loadAhead(opened.second, opened.states);
  expect((await use(opened)).reads).toBeGreaterThan(0);
  expect(opened.gpu.memory.used).toBe(opened.before);
});
