import { expect, test } from 'vitest';
import { checkBuffers, largestBufferOfRows } from '../../src/estimate/check-buffers.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { columnSlices } from '../../src/model/gpu/column-slices.ts';
import { headSliceBytes, headSlices } from '../../src/model/gpu/weights.ts';
import { UnsupportedError } from '../../src/util/errors.ts';
import { llamaPlan } from '../support/llama-plan.ts';

/** Llama 3.1 70B's sizes. */
const plan = llamaPlan({
  ...{ hidden: 8192, intermediate: 28672, layers: 1, heads: 64, kvHeads: 8, vocab: 128256 },
});

test('rows that no buffer can hold are refused at the start, with a length that fits', () => {
  expect(() => checkBuffers(plan, 2048, 2 ** 31 - 4)).not.toThrow();
  expect(() => checkBuffers(plan, 2048, 2 ** 27)).toThrow(UnsupportedError);
  expect(() => checkBuffers(plan, 2048, 2 ** 27)).toThrow(
    'model.layers.0.mlp.gate_proj: a calibration row of 2048 tokens with 28672 features each takes 224 MiB in one buffer',
  );
  expect(() => checkBuffers(plan, 2048, 2 ** 27)).toThrow('at most 1170 tokens');
  expect(() => checkBuffers(plan, 1170, 2 ** 27)).not.toThrow();
  expect(largestBufferOfRows(plan, 1170)).toBeLessThanOrEqual(2 ** 27);
  expect(largestBufferOfRows(plan, 1171)).toBeGreaterThan(2 ** 27);
});

test('weights and heads are cut into slices that the GPU can hold, of whole columns of 32', () => {
  const gpu = (largestBuffer: number) => ({ memory: { largestBuffer } }) as Gpu;
  for (const limit of [2 ** 27, 2 ** 28, 2 ** 31 - 4]) {
    for (const slices of [
      headSlices(plan.head, headSliceBytes(gpu(limit))),
      columnSlices(28672, 8192 * 4, limit),
    ]) {
      const widths = slices.map(({ start, end }) => end - start);
      expect(Math.max(...widths) * 8192 * 4).toBeLessThanOrEqual(limit);
      expect(slices.every(({ start }) => start % 32 === 0)).toBe(true);
      expect(slices.every(({ start }, i) => start === (slices[i - 1]?.end ?? 0))).toBe(true);
    }
    expect(headSlices(plan.head, headSliceBytes(gpu(limit))).at(-1)?.end).toBe(plan.head.n);
  }
  expect(columnSlices(28672, 8192 * 4, 2 ** 31 - 4)).toEqual([{ start: 0, end: 28672 }]);
  expect(headSliceBytes(gpu(2 ** 32))).toBe(2 ** 29);
});
