import wgsl from '../../../shaders/gptq/block_update_tiled.wgsl?raw';
import tile from '../../../shaders/lib/tile.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** As `block_update`, through workgroup memory; starts and ends of blocks are multiples of 8. */
export const blockUpdateTiled = defineKernel({
  name: 'block_update_tiled',
  wgsl: [tile, wgsl],
  scalars: { k: 'u32', n: 'u32', job: 'u32', jobCount: 'u32' },
  inputs: ['w', 'u', 'perm', 'e', 'jobs'],
  outputs: ['pending'],
  workgroups: ({ n, jobCount }) => [Math.ceil(n / 128), 2, jobCount],
});
