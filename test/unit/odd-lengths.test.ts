import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { withScope } from '../../src/gpu/scope.ts';
import { type ForwardContext, GpuOps } from '../../src/model/gpu/ops.ts';
import { HiddenStates } from '../../src/model/gpu/states/states.ts';
import type { AttentionSpec } from '../../src/model/spec.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats } from '../support/random.ts';

// Rows of 3 tokens with 32 or 96 values each: every second one begins where no view may be bound.
const [ROWS, LENGTH] = [4, 3];

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.destroy());

test.each([
  ['on the GPU', 2 ** 20],
  ['in main memory', 0],
])('states %s of rows with an odd length are stored and loaded', async (_, room) => {
  const hidden = 32;
  const states = new HiddenStates(gpu, ROWS, LENGTH, hidden, { room });
  const values = Array.from({ length: ROWS }, (_, row) => randomFloats(LENGTH * hidden, row));
  for (const [row, data] of values.entries()) await states.writeRow(row, data.slice());
  await withScope(gpu, async (scope) => {
    const batch = await states.load(scope, 1, 4);
    expect([...new Float32Array(await gpu.read(batch))]).toEqual(values.slice(1).flatMap((row) => [...row]));
    await states.store(batch, 0);
  });
  expect(await states.readRow(1)).toEqual(values[2]);
  await states.free();
});

test('attention over rows with an odd length is the same in parts', async () => {
  const spec = { heads: 3, kvHeads: 1, headDim: 32, scale: 1 / Math.sqrt(32) } as AttentionSpec;
  const context = { gpu, length: LENGTH } as ForwardContext;
  const outputs: ArrayBuffer[] = [];
  for (const dispatchFlops of [Number.POSITIVE_INFINITY, 1]) {
    gpu.dispatchFlops = dispatchFlops;
    await withScope(gpu, async (scope) => {
      const [q, k, v] = [96, 32, 32].map((width, i) => {
        const x = scope.alloc([ROWS * LENGTH, width], 'x');
        gpu.write(x, randomFloats(ROWS * LENGTH * width, i));
        return x;
      });
      const ops = new GpuOps(context, scope, { norms: new Map(), linears: new Map() }, new Map());
      outputs.push(await gpu.read(ops.attend(q!, k!, v!, spec, 0)));
    });
  }
  expect(outputs[1]).toEqual(outputs[0]);
  expect(Math.max(...new Float32Array(outputs[0]!))).toBeGreaterThan(0);
});
