import wgsl from '../../../shaders/gemm/gemm_subgroup_matrix.wgsl?raw';
import { defineVariant } from '../../gpu/kernel.ts';
import { gemm } from './gemm.ts';

/** Sides of the matrix units' matrices. */
export const MATRIX_SIDE = 16;

/** What WGSL wants to be told of them. */
export const MATRIX_DIRECTIVES = [
  'enable f16;',
  'enable subgroups;',
  'enable chromium_experimental_subgroup_matrix;',
  'diagnostic(off, chromium.subgroup_matrix_uniformity);',
  'diagnostic(off, subgroup_uniformity);',
];

/**
 * As `gemmMixed`, on the GPU's matrix units ({@link hasMatrixUnits}). m, n and k are multiples of their side, values
 * lie within ±65504.
 */
export const gemmSubgroupMatrix = defineVariant(gemm, {
  name: 'gemm_subgroup_matrix',
  wgsl: [wgsl],
  directives: MATRIX_DIRECTIVES,
  outputs: { c: 'f32' },
  workgroups: ({ m, n }) => [Math.ceil(n / 128), Math.ceil(m / 128)],
});
