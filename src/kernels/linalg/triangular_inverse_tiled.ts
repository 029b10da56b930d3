import tile from '../../../shaders/lib/tile.wgsl?raw';
import wgsl from '../../../shaders/linalg/triangular_inverse_tiled.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

const half = (name: string, isSecond: boolean) =>
  defineKernel({
    name: `triangular_inverse_tiled ${name}`,
    wgsl: [tile, wgsl],
    scalars: { k: 'u32', side: 'u32', start: 'u32', rows: 'u32' },
    inputs: [],
    outputs: ['l', 'u'],
    constants: { second_half: Number(isSecond) },
    workgroups: ({ k, side, rows }) => [
      Math.ceil(side / 128),
      Math.ceil(rows / 128),
      Math.ceil((k - side) / (2 * side)),
    ],
  });

/** As `triangularInverse`, through workgroup memory. */
export const triangularInverseTiled = { first: half('first', false), second: half('second', true) };
