import wgsl from '../../../shaders/gemm/gemm_large.wgsl?raw';
import { defineVariant } from '../../gpu/kernel.ts';
import { gemm } from './gemm.ts';

/**
 * As `gemm`, with so many sums in an invocation that only adapters on the CPU have the place: what they take longest
 * for are reads.
 */
export const gemmLarge = defineVariant(gemm, {
  name: 'gemm_large',
  wgsl: [wgsl],
  workgroups: ({ m, n }) => [Math.ceil(n / 64), Math.ceil(m / 64)],
});
