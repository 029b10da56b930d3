import { afterAll, expect, test } from 'vitest';
import half from '../../shaders/lib/half.wgsl?raw';
import { defineKernel } from '../../src/gpu/kernel.ts';
import { f16ToF32Array, f32ToF16Array } from '../../src/util/half.ts';
import { expectExact } from '../support/compare.ts';
import { testGpu } from '../support/gpu.ts';
import { valuesAroundHalves } from '../support/halves.ts';
import { runKernel } from '../support/run-kernel.ts';

const gpu = await testGpu();
afterAll(() => gpu.destroy());

const main = `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < s.count) {
    let value = bitcast<f32>(x[id.x]);
    bits[id.x] = half_bits(value);
    rounded[id.x] = bitcast<u32>(round_to_half(value));
  }
}`;

const roundToHalf = defineKernel({
  name: 'round_to_half',
  wgsl: [half, main],
  scalars: { count: 'u32' },
  inputs: { x: 'u32' },
  outputs: { bits: 'u32', rounded: 'u32' },
  workgroups: ({ count }) => [Math.ceil(count / 64)],
});

async function round(x: Uint32Array<ArrayBuffer>) {
  const outputs = { bits: new Uint32Array(x.length), rounded: new Uint32Array(x.length) };
  const { bits, rounded } = await runKernel(gpu, roundToHalf, { count: x.length }, { x, ...outputs });
  return { bits, rounded: new Float32Array(rounded.buffer) };
}

test('half_bits and round_to_half around every half: exact', async () => {
  const x = valuesAroundHalves();
  const expected = f32ToF16Array(new Float32Array(x.buffer));
  const { bits, rounded } = await round(x);
  expectExact(bits, expected);
  expectExact(rounded, f16ToF32Array(expected));
});

test('half_bits of what has no finite half', async () => {
  const x = Uint32Array.of(
    0x7f800000,
    0xff800000,
    0x7f7fffff,
    0x477ff000,
    0x477fefff,
    0x00000001,
    0x80000001,
  );
  const { bits } = await round(x);
  expect([...bits]).toEqual([0x7c00, 0xfc00, 0x7c00, 0x7c00, 0x7bff, 0, 0x8000]);
});
