import { expect, test, vi } from 'vitest';
import { convert } from '../../src/convert/convert.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { NumericalError } from '../../src/util/errors.ts';
import { testGpu } from '../support/gpu.ts';
import { tinyJob, tinyModel } from '../support/tiny-job.ts';

const states = vi.hoisted(() => ({ overflow: false }));
vi.mock(import('../../src/model/gpu/finite-states.ts'), async (original) => {
  const module = await original();
  return {
    ...module,
    areFinite: async (...args: Parameters<typeof module.areFinite>) =>
      (await module.areFinite(...args)) && !states.overflow,
  };
});

test('a quantized module whose states overflow names itself and ends the job', async () => {
  const gpu = await testGpu();
  const output = memoryDirectory('output');
  const job = await tinyJob(gpu, tinyModel(1), { work: memoryDirectory('work'), output });
  const converted = convert({
    ...job,
    emit(event) {
      if (event.type === 'module' && event.stage === 'quantize') states.overflow = true;
      job.emit(event);
    },
  });
  await expect(converted).rejects.toThrow(NumericalError);
  await expect(converted).rejects.toThrow(
    /^model.layers.0.mlp: its states overflow in the quantized model: .*--precision f32/,
  );
  expect(await output.list()).toEqual([]);
  gpu.destroy();
});
