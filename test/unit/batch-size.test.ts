import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Gpu } from '../../src/gpu/gpu.ts';
import type { ConvertEvent } from '../../src/job/events.ts';
import { HiddenStates } from '../../src/model/gpu/states/states.ts';
import { withFittingBatch } from '../../src/pass/batch-size.ts';
import { OutOfMemoryError } from '../../src/util/errors.ts';
import { testGpu } from '../support/gpu.ts';

const opened: Gpu[] = [];
afterEach(() => {
  for (const gpu of opened.splice(0)) gpu.destroy();
});

/** What was warned of. */
let warnings: string[];
beforeEach(() => {
  warnings = [];
});
const emit = (event: ConvertEvent) => {
  if (event.type === 'adjustment') warnings.push(event.message);
};

async function smallGpu(): Promise<Gpu> {
  const gpu = await testGpu(2 ** 20);
  opened.push(gpu);
  return gpu;
}

/** Work that fails until it gets a batch of at most `fits`, and what batches it was given. */
function workThatFits(fits: number) {
  const batches: number[] = [];
  const work = async (batch: number) => {
    batches.push(batch);
    if (batch > fits) throw new OutOfMemoryError(`weights need more than there is for ${batch} rows`);
    return 'done';
  };
  return { batches, work };
}

test('what fits is done at once', async () => {
  const gpu = await smallGpu();
  const { batches, work } = workThatFits(8);
  expect(await withFittingBatch({ gpu, emit }, 8, 'a module', [], work)).toBe('done');
  expect(batches).toEqual([8]);
});

test('states make room first, keeping their values; then the batch is halved', async () => {
  const gpu = await smallGpu();
  const states = new HiddenStates(gpu, 3, 2, 4);
  const rows = [0, 1, 2].map((row) => Float32Array.from({ length: 8 }, (_, i) => row * 8 + i));
  for (const [row, data] of rows.entries()) await states.writeRow(row, data.slice());
  expect(gpu.memory.used).toBeGreaterThan(0);
  const { batches, work } = workThatFits(2);
  expect(await withFittingBatch({ gpu, emit }, 7, 'a module', [states], work)).toBe('done');
  expect(batches).toEqual([7, 7, 4, 2]);
  const short = (rows: number) =>
    `GPU memory was short in a module: weights need more than there is for ${rows} rows.`;
  expect(warnings).toEqual([
    `${short(7)} It was begun again with calibration states in main memory or on disk.`,
    `${short(7)} It was begun again with 4 rows at a time.`,
    `${short(4)} It was begun again with 2 rows at a time.`,
  ]);
  expect(gpu.memory.used).toBe(0);
  for (const [row, data] of rows.entries()) expect(await states.readRow(row)).toEqual(data);
});

test('a single row that does not fit is the end, with advice', async () => {
  const gpu = await smallGpu();
  const { batches, work } = workThatFits(0);
  const attempt = withFittingBatch({ gpu, emit }, 2, 'model.layers.0.mlp', [], work);
  await expect(attempt).rejects.toThrow(OutOfMemoryError);
  await expect(attempt).rejects.toThrow(
    'weights need more than there is for 1 rows. model.layers.0.mlp does not fit even with one row ',
  );
  expect(batches).toEqual([2, 1, 1, 1]);
});

test('other failures are passed on at once', async () => {
  const gpu = await smallGpu();
  let calls = 0;
  const work = async () => {
    calls++;
    throw new RangeError('no');
  };
  await expect(withFittingBatch({ gpu, emit }, 8, 'a module', [], work)).rejects.toThrow(RangeError);
  expect(calls).toBe(1);
});

test('when the driver has less than the budget, work is tried again with what there is', async () => {
  const gpu = await smallGpu();
  const { device } = gpu;
  const { createBuffer, popErrorScope } = device;
  let refused = false;
  // No buffer above 256 KiB, as if the driver had no memory for it.
  device.createBuffer = (descriptor) => {
    refused = descriptor.size > 2 ** 18;
    return createBuffer.call(device, descriptor);
  };
  device.popErrorScope = async () => {
    const result = refused ? new GPUOutOfMemoryError('no memory') : null;
    await popErrorScope.call(device);
    return result;
  };
  const sizes: number[] = [];
  await withFittingBatch({ gpu, emit }, 1, 'a module', [], async () => {
    const size = Math.floor(gpu.memory.available * 0.9);
    sizes.push(size);
    const tensor = gpu.alloc([size / 4], 'all there is');
    try {
      await gpu.sync();
    } finally {
      gpu.free(tensor);
    }
  });
  expect(sizes.length).toBeGreaterThan(2);
  expect(sizes.at(-1)).toBeLessThanOrEqual(2 ** 18);
  expect(sizes.at(-1)).toBeGreaterThan(2 ** 17);
});
