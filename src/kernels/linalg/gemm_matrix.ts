import wgsl from '../../../shaders/linalg/gemm_matrix.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/**
 * As `gemmMixed`, on the GPU's matrix units ({@link hasMatrixUnits}). m, n and k are multiples of 16, values lie within
 * ±65504.
 */
export const gemmMatrix = defineKernel({
  name: 'gemm_matrix',
  wgsl: [wgsl],
  scalars: { m: 'u32', n: 'u32', k: 'u32', accumulate: 'u32' },
  inputs: ['a', 'b'],
  outputs: ['c'],
  workgroups: ({ m, n }) => [Math.ceil(n / 128), Math.ceil(m / 128)],
});
