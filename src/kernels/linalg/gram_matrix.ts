import wgsl from '../../../shaders/linalg/gram_matrix.wgsl?raw';
import { defineVariant } from '../../gpu/kernel.ts';
import { gram } from './gram.ts';

/** As `gramMixed`, on matrix units; m and k are multiples of 16, values lie within ±65504. */
export const gramMatrix = defineVariant(gram, {
  name: 'gram_matrix',
  wgsl: [wgsl],
  workgroups: ({ k }) => {
    const tiles = Math.ceil(k / 128);
    return [(tiles * (tiles + 1)) / 2];
  },
});
