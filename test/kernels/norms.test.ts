import { afterAll, describe, expect, test } from 'vitest';
import { layerNorm } from '../../src/kernels/layer_norm/layer_norm.ts';
import { rmsNorm } from '../../src/kernels/rms_norm/rms_norm.ts';
import { rmsNorm as rmsNormReference } from '../../src/reference/model.ts';
import { layerNorm as layerNormReference } from '../../src/reference/model-kernels/layer-norm.ts';
import { expectExact, expectNmse, expectUlps } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

const EPSILON = Math.fround(1e-5);

// A workgroup of 64 takes a row; heads have gains of their own.
const SHAPES = [
  { rows: 1, k: 1, heads: 1 },
  { rows: 3, k: 63, heads: 1 },
  { rows: 2, k: 64, heads: 1 },
  { rows: 5, k: 65, heads: 1 },
  { rows: 1, k: 2048, heads: 1 },
  { rows: 6, k: 128, heads: 3 },
  { rows: 20, k: 7, heads: 5 },
  // More rows than a grid's dimension holds.
  { rows: 65537, k: 3, heads: 1 },
];

test.each(SHAPES)('rms_norm of $rows rows of $k, $heads gains', async ({ rows, k, heads }) => {
  const x = randomFloats(rows * k, 1);
  const weight = randomFloats(heads * k, 2);
  const scalars = { rows, k, heads, epsilon: EPSILON };
  const { y } = await runKernel(gpu, rmsNorm, scalars, { x, weight, y: new Float32Array(x.length) });
  // Division 2.5 ulps, square root 2, products 3, and a sum of k/64 + 64 squares, each rounded.
  expectUlps(y, rmsNormReference(x, weight, EPSILON, k), 8 + (k / 64 + 64) / 2);
});

test('rms_norm of zeros is zero', async () => {
  const x = new Float32Array(64);
  const weight = randomFloats(64, 2);
  const scalars = { rows: 1, k: 64, heads: 1, epsilon: 1e-6 };
  const { y } = await runKernel(gpu, rmsNorm, scalars, { x, weight, y: weight });
  expectExact(y, x);
});

describe('layer_norm', () => {
  const run = async (x: Float32Array<ArrayBuffer>, k: number, heads = 1) => {
    const [weight, bias] = [randomFloats(heads * k, 2), randomFloats(heads * k, 3)];
    const scalars = { rows: x.length / k, k, heads, epsilon: EPSILON };
    const tensors = { x, weight, bias, y: new Float32Array(x.length).fill(Number.NaN) };
    const { y } = await runKernel(gpu, layerNorm, scalars, tensors);
    return { y, bias, expected: layerNormReference(x, weight, bias, k, EPSILON) };
  };

  test.each(SHAPES)('of $rows rows of $k, $heads gains and biases', async ({ rows, k, heads }) => {
    const { y, expected } = await run(randomFloats(rows * k, 1), k, heads);
    // Some ulps of x's size in the mean, and of the scale, squared; where two values nearly cancel, of the larger.
    expectNmse(y, expected, 1e-12);
  });

  test('of values far from 0, whose variance is lost in the mean of their squares', async () => {
    const { y, expected } = await run(
      randomFloats(3 * 1000, 4).map((value) => value + 1e4),
      1000,
    );
    // The values have a spread of 6 and the mean an error of about an ulp of 1e4, 1e-3.
    expectNmse(y, expected, 1e-6);
  });

  test('beside one value that is ten thousands as large', async () => {
    const x = randomFloats(2 * 2048, 5);
    x[7] = 3e4;
    const { y, expected } = await run(x, 2048);
    expectNmse(y.subarray(8), expected.subarray(8), 1e-12);
    expectUlps(y.subarray(7, 8), expected.subarray(7, 8), 16);
  });

  test('of zeros is the bias', async () => {
    const { y, bias } = await run(new Float32Array(65), 65);
    expectExact(y, bias);
  });

  test('of one value each is the bias, however large the value', async () => {
    const { y, bias } = await run(Float32Array.of(0, 1, -1e18), 1);
    expectExact(y, [bias[0]!, bias[0]!, bias[0]!]);
  });
});

test('the reference of layer_norm has a mean of 0 and a variance of 1, and gains and biases in turn', () => {
  const x = [1, 3, 10, 30];
  expect([...layerNormReference(x, [1, 1], [0, 0], 2, 0)]).toEqual([-1, 1, -1, 1]);
  expect([...layerNormReference(x, [1, 2, 3, 4], [0, 5, 0, 7], 2, 0)]).toEqual([-1, 7, -3, 11]);
  expect(layerNormReference([1, 3], [1, 1], [0, 0], 2, 3)[0]).toBe(-0.5);
});
