import wgsl from '../../../shaders/gemm/gemv.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** As gemm, for few rows: C (m, n) = A (m, k) · B (k, n), added to C when `accumulate` is 1. n a multiple of 4. */
export const gemv = defineKernel({
  name: 'gemv',
  wgsl: [wgsl],
  scalars: { m: 'u32', n: 'u32', k: 'u32', accumulate: 'u32' },
  inputs: { a: 'f32', b: 'vec4f' },
  outputs: { c: 'vec4f' },
  workgroups: ({ m, n }) => [Math.ceil(n / 32), m],
});
