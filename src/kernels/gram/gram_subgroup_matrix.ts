import wgsl from '../../../shaders/gram/gram_subgroup_matrix.wgsl?raw';
import { defineVariant } from '../../gpu/kernel.ts';
import { MATRIX_DIRECTIVES } from '../gemm/gemm_subgroup_matrix.ts';
import { gram } from './gram.ts';

/** As `gramMixed`, on matrix units; m and k are multiples of 16, values lie within ±65504. */
export const gramSubgroupMatrix = defineVariant(gram, {
  name: 'gram_subgroup_matrix',
  wgsl: [wgsl],
  directives: MATRIX_DIRECTIVES,
  outputs: { h: 'f32' },
  workgroups: ({ k }) => {
    const tiles = Math.ceil(k / 128);
    return [(tiles * (tiles + 1)) / 2];
  },
});
