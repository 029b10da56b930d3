import tile from '../../../shaders/lib/tile.wgsl?raw';
import wgsl from '../../../shaders/linalg/gram_tiled.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** As `gram`, through workgroup memory. */
export const gramTiled = defineKernel({
  name: 'gram_tiled',
  wgsl: [tile, wgsl],
  scalars: { m: 'u32', k: 'u32' },
  inputs: ['x'],
  outputs: ['h'],
  workgroups: ({ k }) => {
    const tiles = Math.ceil(k / 128);
    return [(tiles * (tiles + 1)) / 2];
  },
});
