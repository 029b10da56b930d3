import { describe, expect, test } from 'vitest';
import { inverseFrequencies, type RopeParams, ropeTables } from '../../src/model/config/rope.ts';

const plain: RopeParams = {
  ...{ theta: 10000, positionFactor: 1, llama3: undefined, long: undefined, yarn: undefined },
  ...{ rotated: 4, pairs: false },
};

describe('ropeTables', () => {
  test('hold cos and sin of position × theta^(−2i/d)', () => {
    const { cos, sin } = ropeTables({ ...plain, rotated: 4 }, 3);
    expect(cos).toHaveLength(6);
    expect([...cos.subarray(0, 2), ...sin.subarray(0, 2)]).toEqual([1, 1, 0, 0]);
    expect(cos[4]).toBe(Math.fround(Math.cos(2)));
    expect(sin[5]).toBe(Math.fround(Math.sin(2 * 0.01)));
  });

  test('divide positions by the linear factor', () => {
    const whole = ropeTables({ ...plain, rotated: 8 }, 5);
    const halved = ropeTables({ ...plain, positionFactor: 2, rotated: 8 }, 9);
    for (let p = 0; p < 5; p++) {
      expect(halved.cos.slice(2 * p * 4, 2 * p * 4 + 4)).toEqual(whole.cos.slice(p * 4, p * 4 + 4));
    }
  });

  test('are as exact far out as f32 can be: angles are computed in f64', () => {
    const position = 131071;
    const { sin } = ropeTables({ ...plain, theta: 5e5, rotated: 4 }, position + 1);
    expect(sin[position * 2]).toBe(Math.fround(Math.sin(position)));
  });
});

describe('llama3 frequencies', () => {
  const llama3 = { factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, original: 64 };
  const stretched = inverseFrequencies({ ...plain, llama3, rotated: 32 });
  const unstretched = inverseFrequencies({ ...plain, rotated: 32 });

  test('keep short wavelengths, divide long ones, and blend between', () => {
    let blended = 0;
    for (const [i, frequency] of unstretched.entries()) {
      const wavelength = (2 * Math.PI) / frequency;
      const ratio = stretched[i]! / frequency;
      if (wavelength < 64 / 4) expect(ratio).toBe(1);
      else if (wavelength > 64) expect(ratio).toBeCloseTo(1 / 8, 12);
      else {
        blended++;
        expect(ratio).toBeCloseTo((64 / wavelength - 1) / 3 + (1 - (64 / wavelength - 1) / 3) / 8, 12);
      }
    }
    expect(blended).toBeGreaterThan(0);
    expect(stretched[0]).toBe(1);
  });
});
