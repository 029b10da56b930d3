import { bf16ToF32Array, f16ToF32Array } from '../../src/util/half.ts';
import { randomIntegers } from './random.ts';

/** Finite 16-bit floats of either kind: their largest exponent is left out. */
const finite16 = (length: number): Uint16Array<ArrayBuffer> =>
  Uint16Array.from(randomIntegers(length, 0x8000, 1), (bits) => (bits % 0x7800) | ((bits & 1) << 15));

/** Random values as a file of each dtype holds them, and what they are. */
export const STORED = {
  F32: {
    source: (length: number) => new Float32Array(finite16(length)),
    values: (source: Float32Array | Uint16Array) => source as Float32Array,
  },
  F16: {
    source: finite16,
    values: (source: Float32Array | Uint16Array) => f16ToF32Array(source as Uint16Array),
  },
  BF16: {
    source: finite16,
    values: (source: Float32Array | Uint16Array) => bf16ToF32Array(source as Uint16Array),
  },
} as const;

export const STORED_DTYPES = ['F32', 'F16', 'BF16'] as const;
