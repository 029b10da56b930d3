import half from '../../shaders/lib/half.wgsl?raw';
import { defineVariant } from '../../src/gpu/kernel.ts';
import { gemm } from '../../src/kernels/gemm/gemm.ts';
import { gram } from '../../src/kernels/gram/gram.ts';

/** What matrix units do, for adapters without: factors rounded to half precision, where they overflow, sums in f32. */

/** As `gemm_subgroup_matrix`. */
export const gemmInHalf = defineVariant(gemm, {
  name: 'gemm_in_half',
  wgsl: [
    half,
    `@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= s.n) {
    return;
  }
  let at = id.y * s.n + id.x;
  var sum = select(0.0, c[at], s.accumulate == 1u);
  for (var i = 0u; i < s.k; i++) {
    sum += round_to_half(a[id.y * s.k + i]) * round_to_half(b[i * s.n + id.x]);
  }
  c[at] = sum;
}`,
  ],
  inputs: { a: 'f32', b: 'f32' },
  outputs: { c: 'f32' },
  workgroups: ({ m, n }) => [Math.ceil(n / 64), m],
});

/** As `gram_subgroup_matrix`. */
export const gramInHalf = defineVariant(gram, {
  name: 'gram_in_half',
  wgsl: [
    half,
    `@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = s.start + id.y;
  let end = s.start + s.rows;
  if (id.x > row) {
    return;
  }
  var sum = 0.0;
  for (var token = 0u; token < s.m; token++) {
    sum += round_to_half(x[token * s.k + row]) * round_to_half(x[token * s.k + id.x]);
  }
  h[id.y * end + id.x] += sum;
}`,
  ],
  inputs: { x: 'f32' },
  outputs: { h: 'f32' },
  workgroups: ({ start, rows }) => [Math.ceil((start + rows) / 64), rows],
});
