import wgsl from '../../../shaders/linalg/gemm_matrix.wgsl?raw';
import { defineVariant } from '../../gpu/kernel.ts';
import { gemm } from './gemm.ts';

/** Sides of the matrix units' matrices. */
export const MATRIX_SIDE = 16;

/**
 * As `gemmMixed`, on the GPU's matrix units ({@link hasMatrixUnits}). m, n and k are multiples of their side, values
 * lie within ±65504.
 */
export const gemmMatrix = defineVariant(gemm, {
  name: 'gemm_matrix',
  wgsl: [wgsl],
  workgroups: ({ m, n }) => [Math.ceil(n / 128), Math.ceil(m / 128)],
});
