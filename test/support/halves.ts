import { f16BitsToF32 } from '../../src/util/half.ts';

/**
 * The bits of f32 values around every finite half: the half itself, the middle between it and the next one (a tie;
 * after the largest half, the middle to 65536), and the f32 neighbours of both; of either sign.
 */
export function valuesAroundHalves(): Uint32Array<ArrayBuffer> {
  const value = new Float32Array(1);
  const bits = new Uint32Array(value.buffer);
  const all: number[] = [];
  for (let half = 0; half < 0x7c00; half++) {
    const next = half === 0x7bff ? 65536 : f16BitsToF32(half + 1);
    for (const x of [f16BitsToF32(half), (f16BitsToF32(half) + next) / 2]) {
      value[0] = x;
      for (const near of [bits[0]! - 1, bits[0]!, bits[0]! + 1])
        if (near >= 0) all.push(near, near + 0x80000000);
    }
  }
  return Uint32Array.from(all);
}
