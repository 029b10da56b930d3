import { afterAll, beforeAll, expect, test } from 'vitest';
import { convert } from '../../src/convert/convert.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { writeJsonFile } from '../../src/io/write-file.ts';
import { testGpu } from '../support/gpu.ts';
import { filesOf, tinyJob, tinyModel } from '../support/tiny-job.ts';

const [work, output] = [memoryDirectory('work'), memoryDirectory('output')];
let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.destroy());

/** Converts, or goes on; the keys of the modules that it quantizes anew. */
async function run() {
  const job = await tinyJob(gpu, tinyModel(1), { work, output });
  await convert(job);
  return job.events.flatMap((event) =>
    event.type === 'module' && event.stage === 'quantize' && !event.resumed ? [event.key] : [],
  );
}

test('tensors that were lost or damaged after the quantization are made again, and no others', async () => {
  const path = (module: string) => `tensors/${module}.safetensors`;
  expect(await run()).toEqual(['model.layers.0.self_attn', 'model.layers.0.mlp']);
  const whole = (await filesOf(output))['output.safetensors'];
  expect(await run()).toEqual([]);

  await work.remove(path('model.layers.0.mlp'));
  expect(await run()).toEqual(['model.layers.0.mlp']);
  expect((await filesOf(output))['output.safetensors']).toBe(whole);

  await writeJsonFile(work, path('model.layers.0.self_attn'), 'damaged');
  expect(await run()).toEqual(['model.layers.0.self_attn']);

  await work.remove(path('lm_head'));
  expect(await run()).toEqual([]);
  expect((await filesOf(output))['output.safetensors']).toBe(whole);
});
