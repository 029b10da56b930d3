import { describe, expect, test } from 'vitest';
import {
  bf16ToF32Array,
  f16BitsToF32,
  f16ToF32Array,
  f32ToF16Array,
  f32ToF16Bits,
} from '../../src/util/half.ts';
import { expectExact } from '../support/compare.ts';
import { valuesAroundHalves } from '../support/halves.ts';

/** The nearest half of a positive number by looking at all of them; of two equally near ones, the even one. */
function nearestHalf(x: number): number {
  let [low, high] = [0, 0x7c00];
  const value = (bits: number) => (bits === 0x7c00 ? 65536 : f16BitsToF32(bits));
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (value(middle) <= x) low = middle;
    else high = middle;
  }
  const [below, above] = [x - value(low), value(high) - x];
  if (below === above) return low % 2 === 0 ? low : high;
  return below < above ? low : high;
}

describe('f16BitsToF32', () => {
  test.each([
    [0x0000, 0],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
    [0x7e00, Number.NaN],
  ])('%i', (bits, value) => {
    expect(f16BitsToF32(bits)).toBe(value);
  });
});

describe('f32ToF16Bits', () => {
  test('around every half it takes the nearest, ties to even', () => {
    const bits = valuesAroundHalves();
    const values = new Float32Array(bits.buffer);
    expect(values.length).toBeGreaterThan(380_000);
    const expected = Uint16Array.from(values, (x) => nearestHalf(Math.abs(x)));
    expectExact(
      f32ToF16Array(values).map((half) => half & 0x7fff),
      expected,
    );
  });

  test.each([
    ['the sign of zero', -0, 0x8000],
    ['a value below half the smallest half', 2 ** -26, 0],
    ['the smallest subnormal f32', 2 ** -149, 0],
    ['the largest that is no infinity', 65519.99609375, 0x7bff],
    ['65520', 65520, 0x7c00],
    ['the largest f32', -3.4028234663852886e38, 0xfc00],
    ['infinity', Number.NEGATIVE_INFINITY, 0xfc00],
    ['NaN', Number.NaN, 0x7e00],
  ])('%s', (_what, value, bits) => {
    expect(f32ToF16Bits(value)).toBe(bits);
  });

  test('every half comes back', () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((i) => (i & 0x7fff) <= 0x7c00);
    expectExact(f32ToF16Array(f16ToF32Array(halves)), halves);
  });
});

test('bf16 is the upper half of an f32', () => {
  const values = bf16ToF32Array(Uint16Array.of(0x3f80, 0xc000, 0x0001, 0x7f80, 0x7fc0, 0x7f7f));
  const largest = 255 * 2 ** 120;
  expect([...values]).toEqual([1, -2, 2 ** -133, Number.POSITIVE_INFINITY, Number.NaN, largest]);
});

test('conversion into a given array', () => {
  const target = new Float32Array(3);
  expect(f16ToF32Array(Uint16Array.of(0x3c00, 0x4000), target)).toBe(target);
  expect([...target]).toEqual([1, 2, 0]);
});
