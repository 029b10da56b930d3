import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withScope } from '../../src/gpu/scope.ts';
import { nodeDirectory } from '../../src/io/platform/node/node-directory.ts';
import { StateStore } from '../../src/model/gpu/states/state-store.ts';
import { HiddenStates } from '../../src/model/gpu/states/states.ts';
import { leaveRoom } from '../../src/pass/state-room.ts';
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
  for (const [row, data] of values.entries()) await states.writeRow(row, data.slice());
  const moved = new HiddenStates(gpu, 0, LENGTH, HIDDEN);
  expect(await moved.moveToHost()).toBe(false);
  if (budgetRows > 2) {
    // Rows 2 and 3 change places with rows 3 and 4 by way of a batch.
    await withScope(gpu, async (scope) => {
      const batch = await states.load(scope, 2, 4);
      expect(new Float32Array(await gpu.read(batch))).toEqual(Float32Array.of(...values[2]!, ...values[3]!));
      await states.store(batch, 3);
    });
    expect([await states.readRow(3), await states.readRow(4)]).toEqual([values[2], values[3]]);
  }
  expect(await states.readRow(0)).toEqual(values[0]);
  // Whole rows, the last ones first, as far as that is enough.
  expect(await states.moveToHost(1.5 * ROW_BYTES)).toBe(resident > 0);
  expect(gpu.memory.used).toBe(Math.max(0, resident - 2) * ROW_BYTES);
  expect(await states.readRow(0)).toEqual(values[0]);
  expect(await states.moveToHost()).toBe(resident > 2);
  expect(gpu.memory.used).toBe(0);
  expect(await states.readRow(1)).toEqual(values[1]);
  await states.free();
  gpu.destroy();
});

test('states leave as much of the GPU as something else needs, as far as they can', async () => {
  const gpu = await testGpu(20 * ROW_BYTES);
  const both = [1, 2].map(() => new HiddenStates(gpu, ROWS, LENGTH, HIDDEN));
  const used = () => gpu.memory.used / ROW_BYTES;
  expect(used()).toBe(2 * ROWS);
  for (const [need, left] of [
    [10, 10],
    [12, 8],
    [17, 3],
    [30, 0],
  ] as const) {
    await leaveRoom(gpu, need * ROW_BYTES, both);
    expect(used()).toBe(left);
  }
  for (const states of both) await states.free();
  gpu.destroy();
});

test('rows that main memory has no room for are in a file, which goes with them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'states '));
  const gpu = await testGpu(2 ** 20);
  const store = new StateStore(2 * ROW_BYTES, nodeDirectory(folder).scratch);
  const states = new HiddenStates(gpu, ROWS, LENGTH, HIDDEN, { room: ROW_BYTES, store });
  const values = Array.from({ length: ROWS }, (_, row) => randomFloats(LENGTH * HIDDEN, row));
  for (const [row, data] of values.entries()) await states.writeRow(row, data.slice());
  expect([store.memoryBytes, store.diskBytes]).toEqual([2 * ROW_BYTES, 2 * ROW_BYTES]);
  // Every row is doubled in place, in batches, while the ones after it are read ahead.
  for (let start = 0; start < ROWS; start += 2) {
    await withScope(gpu, async (scope) => {
      const batch = await states.load(scope, start, Math.min(ROWS, start + 2));
      const doubled = new Float32Array(await gpu.read(batch)).map((value) => 2 * value);
      gpu.write(batch, doubled);
      await states.store(batch, start);
    });
  }
  const doubles = values.map((row) => row.map((value) => 2 * value));
  for (let row = 0; row < ROWS; row++) expect(await states.readRow(row)).toEqual(doubles[row]);
  // The row of the GPU has no room in main memory either.
  expect(await states.moveToHost()).toBe(true);
  expect([store.memoryBytes, store.diskBytes]).toEqual([2 * ROW_BYTES, 3 * ROW_BYTES]);
  for (let row = 0; row < ROWS; row++) expect(await states.readRow(row)).toEqual(doubles[row]);
  await states.free();
  expect([store.memoryBytes, store.diskBytes]).toEqual([0, 0]);
  expect(await readdir(folder)).toEqual([]);
  gpu.destroy();
  await rm(folder, { recursive: true });
});

test('what was read ahead of a row that is stored meanwhile is dropped', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'states '));
  const gpu = await testGpu(2 ** 20);
  const store = new StateStore(0, nodeDirectory(folder).scratch);
  const states = new HiddenStates(gpu, ROWS, LENGTH, HIDDEN, { room: 0, store });
  const values = Array.from({ length: ROWS }, (_, row) => randomFloats(LENGTH * HIDDEN, row));
  for (const [row, data] of values.entries()) await states.writeRow(row, data.slice());
  await withScope(gpu, async (scope) => {
    const first = await states.load(scope, 0, 2); // rows 2 and 3 are read ahead
    await states.store(first, 2);
    const second = await states.load(scope, 2, 4);
    expect(new Float32Array(await gpu.read(second))).toEqual(Float32Array.of(...values[0]!, ...values[1]!));
  });
  await states.free();
  gpu.destroy();
  await rm(folder, { recursive: true });
});
