import { defineKernel } from '../../src/gpu/kernel.ts';

/** y[i] = x[i] + amount, f32, count elements. */
export const addAmount = defineKernel({
  name: 'add_amount',
  wgsl: [
    `@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < s.count) {
    y[id.x] = x[id.x] + s.amount;
  }
}`,
  ],
  scalars: { count: 'u32', amount: 'f32' },
  inputs: { x: 'f32' },
  outputs: { y: 'f32' },
  workgroups: ({ count }) => [Math.ceil(count / 64)],
});

/** Writes each kind of scalar, times a constant, as i32. */
export const scaledScalars = (factor: number) =>
  defineKernel({
    name: `scaled_scalars ${factor}`,
    wgsl: [
      `@compute @workgroup_size(1)
fn main() {
  y[0] = i32(s.unsigned * FACTOR);
  y[1] = s.signed * i32(FACTOR);
  y[2] = i32(s.real * 8.0) * i32(FACTOR);
}`,
    ],
    constants: { FACTOR: factor },
    scalars: { unsigned: 'u32', signed: 'i32', real: 'f32' },
    inputs: {},
    outputs: { y: 'i32' },
    workgroups: () => [1],
  });

export const showScalars = scaledScalars(1);

/** WGSL with an error in the second line after its preamble. */
export const broken = defineKernel({
  name: 'broken',
  wgsl: [
    `@compute @workgroup_size(1) fn main() {
  y[0] = unknownName;
}`,
  ],
  scalars: { count: 'u32' },
  inputs: {},
  outputs: { y: 'f32' },
  workgroups: () => [1],
});
