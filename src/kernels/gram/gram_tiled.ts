import wgsl from '../../../shaders/gram/gram_tiled.wgsl?raw';
import tile from '../../../shaders/lib/tile.wgsl?raw';
import { defineVariant } from '../../gpu/kernel.ts';
import { gram } from './gram.ts';

/** As `gram`, through workgroup memory. */
export const gramTiled = defineVariant(gram, {
  name: 'gram_tiled',
  wgsl: [tile, wgsl],
  workgroups: ({ k }) => {
    const tiles = Math.ceil(k / 128);
    return [(tiles * (tiles + 1)) / 2];
  },
});
