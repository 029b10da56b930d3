import firstHalf from '../../../shaders/lib/inverse_first_half.wgsl?raw';
import secondHalf from '../../../shaders/lib/inverse_second_half.wgsl?raw';
import tile from '../../../shaders/lib/tile.wgsl?raw';
import wgsl from '../../../shaders/triangular_inverse/triangular_inverse_tiled.wgsl?raw';
import { defineVariant } from '../../gpu/kernel.ts';
import { triangularInverse } from './triangular_inverse.ts';

/** As `triangularInverse`, through workgroup memory. */
export const triangularInverseTiled = {
  first: defineVariant(triangularInverse.first, {
    name: 'triangular_inverse_tiled first',
    wgsl: [tile, firstHalf, wgsl],
    constants: { SECOND_HALF: false },
    workgroups: ({ side, rows, pairs }) => [Math.ceil(side / 128), Math.ceil(rows / 128), pairs],
  }),
  second: defineVariant(triangularInverse.second, {
    name: 'triangular_inverse_tiled second',
    wgsl: [tile, secondHalf, wgsl],
    constants: { SECOND_HALF: true },
    workgroups: ({ side, rows, pairs }) => [Math.ceil(side / 128), Math.ceil(rows / 128), pairs],
  }),
};
