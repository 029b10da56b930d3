import { afterAll, beforeAll, expect, test } from 'vitest';
import { chooseVariants } from '../../src/autotune/choose-variants.ts';
import type { QuantizerMethod } from '../../src/gptq/method.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { QUANTIZERS } from '../../src/job/settings.ts';
import { joinParts } from '../../src/measure/join-parts.ts';
import { Measurer } from '../../src/measure/measurer.ts';
import { errorOf } from '../../src/measurement/measurement-json.ts';
import { candidatesOf } from '../../src/measurement/module-candidates.ts';
import { testGpu } from '../support/gpu.ts';
import { tinyModel, tinyStages } from '../support/tiny-job.ts';

const MODEL = tinyModel(1);

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
  await chooseVariants(gpu, 'f32');
});
afterAll(() => gpu.destroy());

/** What is measured of a module of the tiny model in parts that begin with these candidates, the last part first. */
async function measureIn(method: QuantizerMethod, index: number, starts: readonly number[]) {
  const { context, events, rows } = await tinyStages(gpu, MODEL, memoryDirectory('work'));
  const measurer = new Measurer({ ...context, quantizer: QUANTIZERS[method] }, rows);
  const module = context.plan.modules[index]!;
  const ends = [...starts.slice(1), candidatesOf(module, method).length];
  const parts = [];
  for (const [i, from] of [...starts.entries()].reverse()) {
    parts.push(await measurer.measure(index, { from, to: ends[i]! }, () => {}));
  }
  measurer.free();
  const trials = events.flatMap((event) => (event.type === 'trial' ? [event] : []));
  // Of the first rows, then of all.
  const told = new Map(trials.map((event) => [event.candidate, event]));
  const choice = context.plan.choices[index]!;
  return { candidates: joinParts(choice, method, new Map([[module, parts]])), told };
}

const KINDS = (['refined', 'exllamav2'] as const).flatMap((method) =>
  [
    [0, 'an attention module'],
    [1, 'an MLP module'],
  ].map(([index, name]) => [name as string, method, index as number] as const),
);
test.each(KINDS)('%s by %s is the same measured in parts', async (_, method, index) => {
  const whole = await measureIn(method, index, [0]);
  const inParts = await measureIn(method, index, [0, 1, 7]);
  expect(inParts).toEqual(whole);
  const tried = whole.told.size;
  expect(whole.candidates.length > tried).toBe(method === 'refined');
  expect(whole.candidates.slice(0, tried).map((candidate) => errorOf(method, candidate))).toEqual(
    [...whole.told.keys()].toSorted((a, b) => a - b).map((key) => whole.told.get(key)!.error),
  );
});

test('parts that leave candidates out are not taken for a module', async () => {
  const { context, rows } = await tinyStages(gpu, MODEL, memoryDirectory('work'));
  const measurer = new Measurer(context, rows);
  const part = await measurer.measure(1, { from: 0, to: 3 }, () => {});
  measurer.free();
  const { modules, choices } = context.plan;
  expect(() => joinParts(choices[1]!, 'exllamav2', new Map([[modules[1]!, [part]]]))).toThrow(
    '3 of 17 candidates',
  );
});
