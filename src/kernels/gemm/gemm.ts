import wgsl from '../../../shaders/gemm/gemm.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** C (m, n) = A (m, k) · B (k, n), added to C when `accumulate` is 1. f32; k and n multiples of 4. */
export const gemm = defineKernel({
  name: 'gemm',
  scalars: { m: 'u32', n: 'u32', k: 'u32', accumulate: 'u32' },
  inputs: { a: 'vec4f', b: 'vec4f' },
  outputs: { c: 'vec4f' },
  wgsl: [wgsl],
  workgroups: ({ m, n }) => [Math.ceil(n / 64), Math.ceil(m / 128)],
});

/** The same where A and B may be rounded to half precision. */
export const gemmMixed = { ...gemm };
