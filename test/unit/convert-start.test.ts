import { expect, test, vi } from 'vitest';
import { convert } from '../../src/convert/convert.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
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
