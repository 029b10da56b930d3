import wgsl from '../../../shaders/gram/gram_subgroup_matrix.wgsl?raw';
import { defineVariant } from '../../gpu/kernel.ts';
import { MATRIX_DIRECTIVES } from '../gemm/gemm_subgroup_matrix.ts';
import { gram } from './gram.ts';
import { tilesAbove } from './gram_tiled.ts';

/** As `gramMixed`, on matrix units; m, k and rows are multiples of 16, `start` one of 128, values lie within ±65504. */
export const gramSubgroupMatrix = defineVariant(gram, {
  name: 'gram_subgroup_matrix',
  wgsl: [wgsl],
  directives: MATRIX_DIRECTIVES,
  outputs: { h: 'f32' },
  workgroups: ({ start, rows }) => [tilesAbove(start + rows) - tilesAbove(start)],
});
