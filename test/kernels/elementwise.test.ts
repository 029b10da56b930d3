import { afterAll, describe, test } from 'vitest';
import { activation } from '../../src/kernels/elementwise/activation.ts';
import { addBias } from '../../src/kernels/elementwise/add_bias.ts';
import { addScaled } from '../../src/kernels/elementwise/add_scaled.ts';
import { clip } from '../../src/kernels/elementwise/clip.ts';
import { copyColumns } from '../../src/kernels/elementwise/copy_columns.ts';
import { gatedActivation } from '../../src/kernels/elementwise/gated_activation.ts';
import { scaleSoftcap } from '../../src/kernels/elementwise/scale_softcap.ts';
import * as reference from '../../src/reference/model.ts';
import { expectExact, expectUlps } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats } from '../support/random.ts';
import { runKernel } from '../support/run-kernel.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

test.each([
  [1, 1],
  [3, 21],
  [1, 64],
  [5, 13],
  [7, 344],
])('add_bias, %i × %i: sums rounded once', async (m, n) => {
  const row = randomFloats(n, 5);
  const before = randomFloats(m * n, 13);
  const sum = await runKernel(gpu, addBias, { m, n }, { bias: row, y: before });
  expectUlps(
    sum.y,
    Float64Array.from(before, (value, i) => value + row[i % n]!),
    1,
  );
});

test('copy_columns: those that are asked for, and no others', async () => {
  const [rows, columns, fromWidth, fromColumn, toWidth, toColumn] = [3, 296, 304, 8, 384, 64];
  const [x, y] = [randomFloats(rows * fromWidth, 1), randomFloats(rows * toWidth, 2)];
  const expected = Float32Array.from(y);
  for (let row = 0; row < rows; row++) {
    const own = x.subarray(row * fromWidth + fromColumn, row * fromWidth + fromColumn + columns);
    expected.set(own, row * toWidth + toColumn);
  }
  const scalars = { rows, columns, fromWidth, fromColumn, toWidth, toColumn };
  expectExact((await runKernel(gpu, copyColumns, scalars, { x, y })).y, expected);
});

const ACTIVATIONS = [
  // exp has 3 + 2|x| ulps: few where |x| is small, and where it is large the result is tiny or x itself.
  { id: 0, name: 'silu', ulps: 16, absolute: 1e-6 },
  // The polynomial for erf is good to 1.5e-7, times x/2 of at most a few before erf is ±1.
  { id: 1, name: 'gelu', ulps: 16, absolute: 2e-6 },
  // tanh is sinh/cosh in WGSL's terms: an absolute error of 1e-5 is allowed, times x/2 before it is ±1.
  { id: 2, name: 'gelu_tanh', ulps: 16, absolute: 3e-5 },
] as const;
const FAR = Float32Array.of(0, 100, -100, 1e4, -1e4, 1e15, -1e15);

describe.each(ACTIVATIONS)('$name', ({ id, name, ulps, absolute }) => {
  const f = reference.activations[name];

  test.each([1, 63, 65, 1000])('of %i values', async (count) => {
    const before = randomFloats(count, 6);
    const { y } = await runKernel(gpu, activation, { count, activation: id }, { y: before });
    expectUlps(y, Float64Array.from(before, f), ulps, absolute);
  });

  test.each([1, 63, 65, 1000])('of %i values, as a gate', async (count) => {
    const before = randomFloats(count, 6);
    const up = randomFloats(count, 7).map((value) => Math.max(-1, Math.min(1, value)));
    const { gate } = await runKernel(gpu, gatedActivation, { count, activation: id }, { up, gate: before });
    const expected = Float64Array.from(before, (x, i) => f(x) * up[i]!);
    expectUlps(gate, expected, ulps, absolute);
  });

  test('at its ends and at zero', async () => {
    const scalars = { count: FAR.length, activation: id };
    const { y } = await runKernel(gpu, activation, scalars, { y: FAR });
    const { gate } = await runKernel(gpu, gatedActivation, scalars, { up: FAR.map(() => 1), gate: FAR });
    const expected = [0, 100, 0, Math.fround(1e4), 0, Math.fround(1e15), 0];
    expectExact(y, expected);
    expectExact(gate, expected);
  });
});

test('an activation leaves what lies behind its values alone', async () => {
  const { y } = await runKernel(gpu, activation, { count: 2, activation: 0 }, { y: FAR });
  expectExact(y.subarray(2), FAR.subarray(2));
});

describe('add_scaled', () => {
  test.each([1, 63, 65, 1000])('%i values: x + factor · y', async (count) => {
    const [x, before, factor] = [randomFloats(count, 6), randomFloats(count, 7), Math.fround(0.22)];
    const { y } = await runKernel(gpu, addScaled, { count, factor }, { x, y: before });
    const expected = Float64Array.from(x, (value, i) => value + factor * before[i]!);
    // The product may be rounded before the sum, which may cancel.
    expectUlps(y, expected, 1, Math.max(...before.map(Math.abs)) * 2 ** -24);
  });

  test('what is far stays far, and nothing behind is touched', async () => {
    const before = Float32Array.from(FAR);
    const { y } = await runKernel(gpu, addScaled, { count: 2, factor: 1 }, { x: FAR, y: before });
    expectExact(y.subarray(2), FAR.subarray(2));
  });
});

describe('clip', () => {
  test.each([1, 63, 65, 1000])('%i values: those beyond the limit become it', async (count) => {
    const [before, limit] = [randomFloats(count, 8), Math.fround(0.7)];
    const { x } = await runKernel(gpu, clip, { count, limit }, { x: before });
    expectExact(x, reference.clipped(before, limit));
  });

  test('what is far and what is at the limit become it, and nothing behind is touched', async () => {
    const before = Float32Array.of(8, -8, 8.5, ...FAR);
    const { x } = await runKernel(gpu, clip, { count: 8, limit: 8 }, { x: before });
    expectExact(x, [8, -8, 8, 0, 8, -8, 8, -8, ...FAR.subarray(5)]);
  });
});

describe('scale_softcap', () => {
  test.each([
    { count: 1, scale: 0.0625, softcap: 30 },
    { count: 63, scale: 1, softcap: 30 },
    { count: 65, scale: 7.5, softcap: 50 },
    { count: 1000, scale: -3, softcap: 0.5 },
  ])('$count values times $scale, capped at $softcap', async ({ count, scale, softcap }) => {
    const before = randomFloats(count, 8);
    const { x } = await runKernel(gpu, scaleSoftcap, { count, scale, softcap }, { x: before });
    const expected = Float64Array.from(before, (value) => reference.softcapped(scale * value, softcap));
    // exp has 3 + 2|x| ulps, which e^−|x| makes up for; a sum with 1 rounds small values to ulps of the cap.
    expectUlps(x, expected, 8, softcap * 5e-7);
  });

  test.each([1, 63, 65, 1000])('%i values without a cap are scaled and rounded once', async (count) => {
    const [before, scale] = [randomFloats(count, 9), Math.fround(Math.sqrt(2304))];
    const { x } = await runKernel(gpu, scaleSoftcap, { count, scale, softcap: 0 }, { x: before });
    expectExact(
      x,
      before.map((value) => value * scale),
    );
  });

  test('far values become the cap, and stay without one', async () => {
    const scalars = { count: FAR.length, scale: 2 };
    const capped = await runKernel(gpu, scaleSoftcap, { ...scalars, softcap: 3 }, { x: FAR });
    expectExact(capped.x, [0, 3, -3, 3, -3, 3, -3]);
    const scaled = await runKernel(gpu, scaleSoftcap, { ...scalars, softcap: 0 }, { x: FAR });
    expectExact(
      scaled.x,
      FAR.map((value) => value * 2),
    );
  });
});
