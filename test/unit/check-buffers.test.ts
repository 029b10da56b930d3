import { expect, test } from 'vitest';
import { checkBuffers } from '../../src/estimate/check-buffers.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { sliceBytes, sliceColumns } from '../../src/model/gpu/weights.ts';
import { UnsupportedError } from '../../src/util/errors.ts';
import { llamaPlan } from '../support/llama-plan.ts';

/** Llama 3.1 70B's sizes. */
const plan = llamaPlan({
  ...{ hidden: 8192, intermediate: 28672, layers: 1, heads: 64, kvHeads: 8, vocab: 128256 },
});

test('a linear whose Hessian fits into no buffer is named at the start, with what is allowed', () => {
  expect(() => checkBuffers(plan, 2 ** 31 - 4)).toThrow(UnsupportedError);
  expect(() => checkBuffers(plan, 2 ** 31 - 4)).toThrow(
    'model.layers.0.mlp.down_proj: the Hessian of its 28672 input features takes 3.06 GiB in one buffer',
  );
  expect(() => checkBuffers(plan, 2 ** 32 - 4)).not.toThrow();
});

test('the head is cut into slices that the GPU can hold', () => {
  const gpu = (largestBuffer: number) => ({ memory: { largestBuffer } }) as Gpu;
  for (const limit of [2 ** 27, 2 ** 28, 2 ** 31 - 4]) {
    const slices = sliceColumns(plan.head, sliceBytes(gpu(limit)));
    const widest = Math.max(...slices.map(({ start, end }) => end - start));
    expect(widest * plan.head.k * 4).toBeLessThanOrEqual(limit);
    expect(slices.at(-1)?.end).toBe(plan.head.n);
  }
  expect(sliceBytes(gpu(2 ** 32))).toBe(2 ** 29);
});
