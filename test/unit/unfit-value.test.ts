import { describe, expect, test } from 'vitest';
import { findUnfitValue } from '../../src/tensor/unfit-value.ts';
import { f16BitsToF32, f32ToF16Bits } from '../../src/util/half.ts';

const bytesOf = (values: Uint16Array | Float32Array | Uint32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
const isUnfit = (value: number) => !Number.isFinite(f16BitsToF32(f32ToF16Bits(value)));
const bf16 = (bits: number) => new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;

describe('a value that halves cannot hold', () => {
  test.each([
    ['F16', f16BitsToF32],
    ['BF16', bf16],
  ])('is found among all of %s, in either half of a word', (dtype, toFloat) => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = toFloat(bits);
      for (const pair of [Uint16Array.of(bits, 0x3c00), Uint16Array.of(0x3c00, bits)]) {
        const found = findUnfitValue({ dtype: dtype as 'F16', data: bytesOf(pair) });
        const index = pair[0] === bits ? 0 : 1;
        // Reported one by one: an expectation for each of them would take long.
        if (isUnfit(value) ? found?.index !== index || !Object.is(found.value, value) : found !== undefined)
          expect.fail(`${dtype} ${bits.toString(16)} (${value}): ${JSON.stringify(found)}`);
      }
    }
  });

  test('is found among singles from where they round to infinity', () => {
    const find = (...values: number[]) =>
      findUnfitValue({ dtype: 'F32', data: bytesOf(Float32Array.from(values)) });
    const below = bytesOf(Uint32Array.of(0x477fefff, 0xc77fefff));
    expect(findUnfitValue({ dtype: 'F32', data: below })).toBeUndefined();
    expect(find(0, -0, 65504, -65519.99, 1e-45)).toBeUndefined();
    for (const value of [65520, -65520, Math.fround(3e38), Infinity, -Infinity, Number.NaN])
      expect(find(1, value, value)).toEqual({ index: 1, value });
  });

  test.each([1, 2, 3, 4095, 8191, 8192, 8193, 20_001])('is found at every end of %d halves', (count) => {
    for (const at of new Set([0, count >> 1, count - 1])) {
      const halves = new Uint16Array(count).fill(0x7bff);
      expect(findUnfitValue({ dtype: 'F16', data: bytesOf(halves) })).toBeUndefined();
      halves[at] = 0xfc00;
      const found = { index: at, value: -Infinity };
      expect(findUnfitValue({ dtype: 'F16', data: bytesOf(halves) })).toEqual(found);
      const shifted = new Uint8Array(2 * count + 2);
      shifted.set(bytesOf(halves), 2);
      expect(findUnfitValue({ dtype: 'F16', data: shifted.subarray(2) })).toEqual(found);
    }
  });
});
