import tile from '../../../shaders/lib/tile.wgsl?raw';
import wgsl from '../../../shaders/triangular_inverse/triangular_inverse_tiled.wgsl?raw';
import { defineVariant } from '../../gpu/kernel.ts';
import { triangularInverse } from './triangular_inverse.ts';

const half = (name: string, isSecond: boolean) =>
  defineVariant(triangularInverse.first, {
    name: `triangular_inverse_tiled ${name}`,
    wgsl: [tile, wgsl],
    constants: { SECOND_HALF: isSecond },
    workgroups: ({ k, side, rows }) => [
      Math.ceil(side / 128),
      Math.ceil(rows / 128),
      Math.ceil((k - side) / (2 * side)),
    ],
  });

/** As `triangularInverse`, through workgroup memory. */
export const triangularInverseTiled = { first: half('first', false), second: half('second', true) };
