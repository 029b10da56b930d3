import { expect, test } from 'vitest';
import type { TensorSource } from '../../src/io/model/tensor-source.ts';
import { embedTokens } from '../../src/model/gpu/embedding.ts';
import { HiddenStates } from '../../src/model/gpu/states/states.ts';
import type { ModelSpec } from '../../src/model/spec.ts';
import { InputError } from '../../src/util/errors.ts';
import { testGpu } from '../support/gpu.ts';
import { randomIntegers } from '../support/random.ts';
import { STORED } from '../support/stored-floats.ts';

const [VOCABULARY, LENGTH, HIDDEN, ROWS] = [300, 16, 64, 6];
/** A row's states, and the least that a buffer takes. */
const ROW_BYTES = LENGTH * HIDDEN * 4;

const table = STORED.F16.source(VOCABULARY * HIDDEN);
const values = STORED.F16.values(table);
const outline = {
  config: { vocabSize: VOCABULARY, hiddenSize: HIDDEN, maxPositions: VOCABULARY },
  ...{ embedding: 'table', embeddingFactor: 1 },
} as ModelSpec;
const source = {
  requireInfo: (name: string) => ({ name, dtype: 'F16', shape: [VOCABULARY, HIDDEN] }),
  async readRows(name: string, start: number, end: number) {
    const data = new Uint8Array(table.buffer).slice(start * HIDDEN * 2, end * HIDDEN * 2);
    return { name, dtype: 'F16', shape: [end - start, HIDDEN], data };
  },
} as Partial<TensorSource> as TensorSource;
const ids = Int32Array.from(randomIntegers(ROWS * LENGTH, VOCABULARY, 3));

test.each([
  ['all vectors at once, all rows on the GPU', 400, ROWS],
  ['the vectors of a few rows at a time, some rows on the GPU', 12, 4],
  ['the vectors of one row at a time, some rows on the GPU', 5, 1],
])('every token gets its vector: %s', async (_, budgetRows, resident) => {
  const gpu = await testGpu(budgetRows * ROW_BYTES);
  const all = new HiddenStates(gpu, ROWS, LENGTH, HIDDEN);
  expect(gpu.memory.used).toBe(resident * ROW_BYTES);
  const first = new HiddenStates(gpu, 2, LENGTH, HIDDEN);
  await embedTokens(gpu, source, outline, [
    { ids, states: all },
    { ids, states: first },
  ]);
  for (const states of [all, first]) {
    for (let row = 0; row < states.rows; row++) {
      const expected = Array.from(ids.subarray(row * LENGTH, (row + 1) * LENGTH), (id) => [
        ...values.subarray(id * HIDDEN, (id + 1) * HIDDEN),
      ]).flat();
      expect([...(await states.readRow(row))]).toEqual(expected);
    }
    await states.free();
  }
  expect(gpu.memory.used).toBe(0);
  gpu.destroy();
});

test('where every token occurs the table is taken as it is', async () => {
  const gpu = await testGpu();
  const tokens = LENGTH * 2;
  const every = Int32Array.from({ length: tokens }, (_, i) => tokens + 7 - i);
  const states = new HiddenStates(gpu, 2, LENGTH, HIDDEN);
  await embedTokens(gpu, source, outline, [{ ids: every, states }]);
  const rows = [...(await states.readRow(0)), ...(await states.readRow(1))];
  expect(rows).toEqual([...every].flatMap((id) => [...values.subarray(id * HIDDEN, (id + 1) * HIDDEN)]));
  gpu.destroy();
});

test('embeddings are multiplied where the model says so', async () => {
  const gpu = await testGpu();
  const states = new HiddenStates(gpu, 1, LENGTH, HIDDEN);
  const first = ids.subarray(0, LENGTH);
  await embedTokens(gpu, source, { ...outline, embeddingFactor: 12 }, [{ ids: first, states }]);
  const expected = [...first].flatMap((id) =>
    [...values.subarray(id * HIDDEN, (id + 1) * HIDDEN)].map((value) => Math.fround(12 * value)),
  );
  expect([...(await states.readRow(0))]).toEqual(expected);
  await states.free();
  gpu.destroy();
});

test('learned positions are added, from 0 on in every row', async () => {
  const gpu = await testGpu();
  const states = new HiddenStates(gpu, ROWS, LENGTH, HIDDEN);
  // Positions are the vectors of the first tokens.
  const positioned = { ...outline, positions: 'table', embeddingFactor: 2 };
  await embedTokens(gpu, source, positioned, [{ ids, states }]);
  for (let row = 0; row < ROWS; row++) {
    const expected = Array.from({ length: LENGTH * HIDDEN }, (_, i) => {
      const id = ids[row * LENGTH + Math.floor(i / HIDDEN)]!;
      return Math.fround(2 * values[id * HIDDEN + (i % HIDDEN)]! + values[i]!);
    });
    expect([...(await states.readRow(row))]).toEqual(expected);
  }
  await states.free();
  gpu.destroy();
});

test('a token that the model does not have is named', async () => {
  const gpu = await testGpu();
  const states = new HiddenStates(gpu, 1, LENGTH, HIDDEN);
  const wrong = ids.with(5, VOCABULARY).subarray(0, LENGTH);
  await expect(embedTokens(gpu, source, outline, [{ ids: wrong, states }])).rejects.toThrow(InputError);
  await expect(embedTokens(gpu, source, outline, [{ ids: wrong, states }])).rejects.toThrow(
    `Token ${VOCABULARY}`,
  );
  gpu.destroy();
});
