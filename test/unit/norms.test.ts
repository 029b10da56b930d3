import { afterAll, expect, test } from 'vitest';
import { withScope } from '../../src/gpu/scope.ts';
import type { TensorSource } from '../../src/io/model/tensor-source.ts';
import { loadNorm } from '../../src/model/gpu/weights.ts';
import type { NormSpec } from '../../src/model/spec.ts';
import { UnsupportedError } from '../../src/util/errors.ts';
import { testGpu } from '../support/gpu.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

const NORM: NormSpec = {
  ...{ key: 'q_norm', weight: 'q_norm', bias: undefined, kind: 'rms', heads: undefined },
  ...{ size: 3, epsilon: 1e-6, offset: 1 },
};

const load = (...values: number[]) =>
  withScope(gpu, async (scope) => {
    const source = { readFloat: async () => ({ data: Float32Array.from(values), shape: [values.length] }) };
    const { w } = await loadNorm(scope, source as Partial<TensorSource> as TensorSource, NORM);
    return [...new Float32Array(await gpu.read(w))];
  });

test('the norm of heads is the same, stored once or once for each head; its offset is added', async () => {
  expect(await load(1, -2, 0.5)).toEqual([2, -1, 1.5]);
  expect(await load(1, -2, 0.5, 1, -2, 0.5)).toEqual([2, -1, 1.5]);
});

test('norms that differ from head to head are refused', async () => {
  await expect(load(1, -2, 0.5, 1, -2, 0.25)).rejects.toThrow(UnsupportedError);
  await expect(load(1, -2, 0.5, 1, -2, 0.25)).rejects.toThrow(
    /q_norm has norms that differ from head to head/,
  );
});
