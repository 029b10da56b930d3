import { expect, test, vi } from 'vitest';
import { convert } from '../../src/convert/convert.ts';
import type { Emit } from '../../src/convert/events.ts';
import { openModel } from '../../src/convert/open-model.ts';
import { tooFewTokensWarning } from '../../src/convert/token-need.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { nodeDirectory } from '../../src/io/platform/node-directory.ts';
import { UnsupportedError } from '../../src/util/errors.ts';
import { testGpu } from '../support/gpu.ts';
import { tinyJob, tinyModel } from '../support/tiny-job.ts';

const directories = () => ({ work: memoryDirectory('work'), output: memoryDirectory('output') });

test('a linear that no buffer of the GPU can hold is named before any work', async () => {
  const gpu = await testGpu();
  const places = directories();
  const job = await tinyJob(gpu, tinyModel(1), places);
  vi.spyOn(gpu.memory, 'largestBuffer', 'get').mockReturnValue(90_000);
  const converted = convert(job);
  await expect(converted).rejects.toThrow(UnsupportedError);
  await expect(converted).rejects.toThrow('model.layers.0.mlp.gate_proj: its weight takes 96');
  expect(job.events.filter(({ type }) => type === 'stage')).toEqual([]);
  expect(await places.work.list()).toEqual([]);
  gpu.destroy();
});

test('memory that may not suffice is warned of at the start, and no other', async () => {
  for (const [budget, count] of [
    [2 ** 30, 0],
    [2 ** 20, 1],
  ] as const) {
    const gpu = await testGpu(budget);
    const job = await tinyJob(gpu, tinyModel(1), directories());
    await convert(job).catch(() => {}); // it may end for lack of it
    const warnings = job.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
    const ofMemory = warnings.filter((message) => message.includes('GPU memory are needed'));
    expect(ofMemory).toHaveLength(count);
    if (count > 0) expect(ofMemory[0]).toMatch(/^About .* of GPU memory are needed and 1\.00 MiB allowed/);
    gpu.destroy();
  }
});

test('tokens that are too few for the widest linear are warned of before anything is measured', async () => {
  const gpu = await testGpu();
  const job = await tinyJob(gpu, tinyModel(1), directories());
  const stop = new AbortController();
  const emit: Emit = (event) => {
    job.emit(event);
    if (event.type === 'stage' && event.stage === 'measure') stop.abort();
  };
  await expect(convert({ ...job, emit, control: { signal: stop.signal } })).rejects.toThrow();
  const warnings = job.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  const [ofTokens] = warnings.filter((message) => message.includes('tokens to quantize with'));
  expect(ofTokens).toMatch(/^6 rows of 24 .* fewer than 4 tokens for each of the 192 inputs/);
  expect(ofTokens).toMatch(/Take 768 tokens or more.*--dataset_rows, --length.*standard preset/);
  gpu.destroy();
});

test.each([
  [512, 3072 / 512, undefined],
  [512, 3072 / 512 - 1, /fewer than 4 tokens for each of the 768 inputs.*Take 3072 tokens/],
])('tokens for the widest linear: rows of %i, %i of them', async (length, rows, expected) => {
  const { plan } = await openModel(nodeDirectory('public/models/tinystories-7m'), {});
  const warning = tooFewTokensWarning(plan, { rows, length });
  if (expected) expect(warning).toMatch(expected);
  else expect(warning).toBeUndefined();
});
