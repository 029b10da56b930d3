import { afterAll, expect, test } from 'vitest';
import { withScope } from '../../src/gpu/scope.ts';
import type { TensorSource } from '../../src/io/model/tensor-source.ts';
import { normalize } from '../../src/model/gpu/ops.ts';
import { loadNorm } from '../../src/model/gpu/weights.ts';
import type { NormSpec } from '../../src/model/spec.ts';
import { layerNorm } from '../../src/reference/model-kernels/layer-norm.ts';
import { UnsupportedError } from '../../src/util/errors.ts';
import { expectNmse } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats } from '../support/random.ts';

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

test('norms that differ from head to head are refused where they are alike', async () => {
  await expect(load(1, -2, 0.5, 1, -2, 0.25)).rejects.toThrow(UnsupportedError);
  await expect(load(1, -2, 0.5, 1, -2, 0.25)).rejects.toThrow(
    /q_norm has norms that differ from head to head/,
  );
});

test('a layer norm of heads with weights of their own, without bias, norms each by its own', async () => {
  const [tokens, heads, size] = [5, 3, 36];
  const [x, weight] = [randomFloats(tokens * heads * size, 1), randomFloats(heads * size, 2)];
  const own: NormSpec = { ...NORM, kind: 'layer', size, heads, offset: 0 };
  const source = { readFloat: async () => ({ data: weight, shape: [heads, size] }) };
  const y = await withScope(gpu, async (scope) => {
    const norm = await loadNorm(scope, source as Partial<TensorSource> as TensorSource, own);
    const states = scope.upload(x, 'x');
    return new Float32Array(await gpu.read(normalize(gpu, scope, states, norm)));
  });
  const none = new Float32Array(weight.length);
  expectNmse(y, layerNorm(x, weight, none, size, own.epsilon), 1e-12);
});
