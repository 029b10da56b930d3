import { describe, expect, test } from 'vitest';
import { activations, attention, rmsNorm, rotate, softcapped } from '../../src/reference/model.ts';

describe('attention', () => {
  const shape = { heads: 1, kvHeads: 1, headDim: 2, window: undefined };
  const same = Float64Array.from({ length: 8 }, () => 1);
  const values = Float64Array.from([1, 10, 2, 20, 3, 30, 4, 40]);

  test('with equal keys is the mean of the values up to the query', () => {
    expect([...attention(same, same, values, shape)]).toEqual([1, 10, 1.5, 15, 2, 20, 2.5, 25]);
  });

  test('with a window of w sees the query and the w − 1 positions before it', () => {
    expect([...attention(same, same, values, { ...shape, window: 1 })]).toEqual([...values]);
    expect([...attention(same, same, values, { ...shape, window: 2 })]).toEqual([
      1, 10, 1.5, 15, 2.5, 25, 3.5, 35,
    ]);
  });

  test('gives consecutive query heads the same key/value head', () => {
    const q = new Float64Array(4 * 2);
    const v = Float64Array.from([5, 6, 7, 8]);
    expect([...attention(q, v, v, { ...shape, heads: 4, kvHeads: 2 })]).toEqual([5, 6, 5, 6, 7, 8, 7, 8]);
  });

  test('stands scores that would overflow', () => {
    const large = Float64Array.from([1e3, 1e3, 2e3, 2e3]);
    expect([...attention(large, large, values.slice(0, 4), shape)]).toEqual([1, 10, 2, 20]);
  });
});

test('softcapped is x near 0 and the cap far away', () => {
  expect(softcapped(1e-3, 30)).toBeCloseTo(1e-3, 11);
  expect(softcapped(1, 2)).toBeCloseTo(2 * 0.46211715726000974, 15);
  expect([softcapped(-1e6, 30), softcapped(1e6, 0)]).toEqual([-30, 1e6]);
});

test('rmsNorm works on runs of its weight', () => {
  const y = rmsNorm(Float64Array.from([3, 4, 0, 0, 30, 40]), Float64Array.from([1, 2]), 0);
  const rms = Math.sqrt(12.5);
  expect([...y.slice(0, 2)]).toEqual([3 * (1 / rms), 4 * (1 / rms) * 2]);
  expect(Number.isNaN(y[2])).toBe(true);
  expect(rmsNorm(Float64Array.from([0, 0]), Float64Array.from([1, 2]), 1e-6)[0]).toBe(0);
  expect(y[4]).toBeCloseTo(y[0]!, 14);
  const inTurn = rmsNorm(Float64Array.from([3, 3, 3, 3, 3, 3]), Float64Array.from([1, 2, 3, 4]), 0, 2);
  expect([...inTurn]).toEqual([1, 2, 3, 4, 1, 2]);
});

test('rotate turns dimensions i and i + d/2 of every head', () => {
  const quarter = { cos: Float64Array.from([1, 1, 0, 0]), sin: Float64Array.from([0, 0, 1, 1]) };
  const x = Float64Array.from([1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
  const turned = [-3, -4, 1, 2, -7, -8, 5, 6];
  expect([...rotate(x, quarter, 2, 4)]).toEqual([...x.slice(0, 8), ...turned]);
});

test('rotate turns a part of every head, or neighbours', () => {
  const quarter = { cos: Float64Array.from([0, 0]), sin: Float64Array.from([1, 1]) };
  const x = Float64Array.from([1, 2, 3, 4, 5, 6]);
  expect([...rotate(x, quarter, 1, 6, { rotated: 4 })]).toEqual([-3, -4, 1, 2, 5, 6]);
  expect([...rotate(x, quarter, 1, 6, { rotated: 4, neighbours: true })]).toEqual([-2, 1, -4, 3, 5, 6]);
});

describe('activations', () => {
  test('have their known values', () => {
    expect(activations.silu(1)).toBeCloseTo(0.7310585786300049, 15);
    expect(activations.gelu(1)).toBeCloseTo(0.8413447460685429, 14);
    expect(activations.gelu(-2)).toBeCloseTo(-0.04550026389635842, 14);
    expect(activations.gelu_tanh(1)).toBeCloseTo(0.8411919906082768, 14);
  });

  test.each(['silu', 'gelu', 'gelu_tanh'] as const)('%s is 0 at 0, x far above and 0 far below', (name) => {
    const f = activations[name];
    expect([f(0), f(1e3)]).toEqual([0, 1e3]);
    expect(f(-1e3)).toBeCloseTo(0, 300);
  });
});
