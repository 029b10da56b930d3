import { expect, test } from 'vitest';
import { withScope } from '../../src/gpu/scope.ts';
import { HiddenStates } from '../../src/model/gpu/states.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats } from '../support/random.ts';

const [ROWS, LENGTH, HIDDEN] = [5, 16, 64];
const ROW_BYTES = LENGTH * HIDDEN * 4;

// A buffer takes 4096 bytes, as a row does: the GPU gets 35 % of the budget for states, in whole rows.
test.each([
  ['all rows on the GPU', 20, 5],
  ['some rows on the GPU', 9, 3],
  ['no row on the GPU', 2, 0],
])('%s: what is stored is loaded, in batches that cross the border', async (_, budgetRows, resident) => {
  const gpu = await testGpu(budgetRows * ROW_BYTES);
  const states = new HiddenStates(gpu, ROWS, LENGTH, HIDDEN);
  expect(gpu.memory.used).toBe(resident * ROW_BYTES);
  const values = Array.from({ length: ROWS }, (_, row) => randomFloats(LENGTH * HIDDEN, row));
  for (const [row, data] of values.entries()) states.writeRow(row, data.slice());
  const moved = new HiddenStates(gpu, 0, LENGTH, HIDDEN);
  expect(await moved.moveToHost()).toBe(false);
  if (budgetRows > 2) {
    // Rows 2 and 3 change places with rows 3 and 4 by way of a batch.
    await withScope(gpu, async (scope) => {
      const batch = states.load(scope, 2, 4);
      expect(new Float32Array(await gpu.read(batch))).toEqual(Float32Array.of(...values[2]!, ...values[3]!));
      await states.store(batch, 3);
    });
    expect([await states.readRow(3), await states.readRow(4)]).toEqual([values[2], values[3]]);
  }
  expect(await states.readRow(0)).toEqual(values[0]);
  expect(await states.moveToHost()).toBe(resident > 0);
  expect(gpu.memory.used).toBe(0);
  expect(await states.readRow(1)).toEqual(values[1]);
  states.free();
  gpu.destroy();
});
