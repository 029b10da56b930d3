import wgsl from '../../../shaders/linalg/gram_matrix.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** As `gramMixed`, on matrix units; m and k are multiples of 16, values lie within ±65504. */
export const gramMatrix = defineKernel({
  name: 'gram_matrix',
  wgsl: [wgsl],
  scalars: { m: 'u32', k: 'u32' },
  inputs: ['x'],
  outputs: ['h'],
  workgroups: ({ k }) => {
    const tiles = Math.ceil(k / 128);
    return [(tiles * (tiles + 1)) / 2];
  },
});
