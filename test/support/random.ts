import { gaussian, seededRandom } from '../../src/util/random.ts';

/** Normal numbers, of which about one in 50 is an outlier 40 times as large: what activations look like. */
export function randomFloats(length: number, seed: number): Float32Array<ArrayBuffer> {
  const random = seededRandom(seed);
  const normal = gaussian(random);
  return Float32Array.from({ length }, () => normal() * (random() < 0.02 ? 40 : 1));
}

/** Whole numbers from 0 up to `end`, without it. */
export function randomIntegers(length: number, end: number, seed: number): Uint32Array<ArrayBuffer> {
  const random = seededRandom(seed);
  return Uint32Array.from({ length }, () => Math.floor(random() * end));
}

/** The numbers 0 … length − 1 in random order. */
export function randomPermutation(length: number, seed: number): Uint32Array<ArrayBuffer> {
  const keys = randomFloats(length, seed);
  return Uint32Array.from({ length }, (_, i) => i).sort((a, b) => keys[a]! - keys[b]!);
}
