import wgsl from '../../../shaders/linalg/gemm.wgsl?raw';
import { defineKernel, defineVariant } from '../../gpu/kernel.ts';

/** C (m, n) = A (m, k) · B (k, n), added to C when `accumulate` is 1. f32; k and n multiples of 4. */
export const gemm = defineKernel({
  name: 'gemm',
  scalars: { m: 'u32', n: 'u32', k: 'u32', accumulate: 'u32' },
  inputs: ['a', 'b'],
  outputs: ['c'],
  wgsl: [wgsl],
  counts: { ROWS: 8, HEIGHT: 16 },
  workgroups: ({ m, n }) => [Math.ceil(n / 64), Math.ceil(m / 128)],
});

/**
 * As `gemm`, with so many sums in an invocation that only adapters on the CPU have the place: what they take longest
 * for are reads.
 */
export const gemmLarge = defineVariant(gemm, {
  name: 'gemm_large',
  wgsl: [wgsl],
  counts: { ROWS: 16, HEIGHT: 4 },
  workgroups: ({ m, n }) => [Math.ceil(n / 64), Math.ceil(m / 64)],
});

/** The same where A and B may be rounded to half precision. */
export const gemmMixed = { ...gemm };
