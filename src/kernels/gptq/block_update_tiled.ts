import wgsl from '../../../shaders/gptq/block_update_tiled.wgsl?raw';
import tile from '../../../shaders/lib/tile.wgsl?raw';
import { defineVariant } from '../../gpu/kernel.ts';
import { blockUpdate } from './block_update.ts';

/** As `block_update`, through workgroup memory; starts and ends of blocks are multiples of 8. */
export const blockUpdateTiled = defineVariant(blockUpdate, {
  name: 'block_update_tiled',
  wgsl: [tile, wgsl],
  workgroups: ({ n, jobCount }) => [Math.ceil(n / 128), 2, jobCount],
});
