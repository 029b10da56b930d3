import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { ARTEFACT } from '../../src/job/artefacts.ts';
import type { StageContext } from '../../src/job/context.ts';
import type { ConvertEvent } from '../../src/job/events.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { quantizeAgain } from '../../src/quantize/quantize-again.ts';
import { OutOfMemoryError } from '../../src/util/errors.ts';
import { lonePool } from '../support/conversion.ts';
import { testGpu } from '../support/gpu.ts';
import { filesOf, tinyModel, tinyStages } from '../support/tiny-job.ts';

// Of the six rows: so a batch is changed before the next one runs out of memory.
vi.mock(import('../../src/pass/batch-size.ts'), async (original) => ({
  ...(await original()),
  rowsPerBatch: () => 4,
}));

const MODEL = tinyModel(1);
const FIRST = 'model.layers.0.self_attn';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.destroy());
afterEach(() => void vi.restoreAllMocks());

/** The stage's context; `begin` is called when the first module is quantized and its states are about to advance. */
function atAdvance(context: StageContext, begin: () => void): StageContext {
  let isBegun = false;
  const emit = (event: ConvertEvent) => {
    context.emit(event);
    if (isBegun || event.type !== 'progress' || event.detail !== FIRST || event.done === 0) return;
    isBegun = true;
    begin();
  };
  return { ...context, emit };
}

/** From now on, the batches of states of these numbers, from 1, find no memory. */
function refuseBatches(...numbers: number[]): void {
  const { memory } = gpu;
  const acquire = memory.acquire.bind(memory);
  let batches = 0;
  vi.spyOn(memory, 'acquire').mockImplementation((bytes, label) => {
    if (label === 'hidden states of a batch' && numbers.includes(++batches))
      throw new OutOfMemoryError('no memory left');
    return acquire(bytes, label);
  });
}

test('memory that runs out while states change in place restarts the pass with smaller batches', async () => {
  // What must come out: the first module with batches of four rows, all that follows with batches of two.
  const expected = memoryDirectory('expected');
  const stages = await tinyStages(gpu, MODEL, expected);
  const { rows, choice } = stages;
  const inBatches = (mostRows: number) => quantize(stages.context, lonePool(), rows, { ...choice, mostRows });
  await inBatches(4);
  for (const { path } of await expected.list())
    if (path !== ARTEFACT.tensors(FIRST)) await expected.remove(path);
  const result = await inBatches(2);

  const work = memoryDirectory('work');
  const { context } = await tinyStages(gpu, MODEL, work);
  const faulty = atAdvance(context, () => refuseBatches(2));
  expect(await quantizeAgain(faulty, lonePool(), rows, choice)).toEqual(result);
  expect(await filesOf(work)).toEqual(await filesOf(expected));
});

test('where not even one row fits the error says what to do', async () => {
  // Four, two and three times one row; each restart first runs three rows of the original's states, and of the pass.
  const { context, rows, choice } = await tinyStages(gpu, MODEL, memoryDirectory('work'));
  const faulty = atAdvance(context, () => refuseBatches(1, 6, 13, 20, 27));
  const failing = quantizeAgain(faulty, lonePool(), rows, choice);
  await expect(failing).rejects.toThrow(OutOfMemoryError);
  await expect(failing).rejects.toThrow(
    'The quantization does not fit even with one row at a time: give a larger GPU memory budget',
  );
});
