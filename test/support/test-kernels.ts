import { defineKernel } from '../../src/gpu/kernel.ts';

/** y[i] = x[i] + amount, f32, count elements. */
export const addAmount = defineKernel({
  name: 'add_amount',
  wgsl: [
    `struct Scalars {
  count: u32,
  amount: f32,
}

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < s.count) {
    y[id.x] = x[id.x] + s.amount;
  }
}`,
  ],
  scalars: { count: 'u32', amount: 'f32' },
  inputs: ['x'],
  outputs: ['y'],
  workgroups: ({ count }) => [Math.ceil(count / 64)],
});

/** Writes each kind of scalar, and an override constant, as i32. */
export const showScalars = defineKernel({
  name: 'show_scalars',
  wgsl: [
    `struct Scalars {
  unsigned: u32,
  signed: i32,
  real: f32,
}

override factor = 1;

@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;

@compute @workgroup_size(1)
fn main() {
  y[0] = i32(s.unsigned) * factor;
  y[1] = s.signed * factor;
  y[2] = i32(s.real * 8.0) * factor;
}`,
  ],
  scalars: { unsigned: 'u32', signed: 'i32', real: 'f32' },
  inputs: [],
  outputs: ['y'],
  workgroups: () => [1],
});

/** WGSL with an error in its third line. */
export const broken = defineKernel({
  name: 'broken',
  wgsl: [
    `@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1) fn main() {
  y[0] = unknownName;
}`,
  ],
  scalars: {},
  inputs: [],
  outputs: ['y'],
  workgroups: () => [1],
});
