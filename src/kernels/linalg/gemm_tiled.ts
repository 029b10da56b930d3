import tile from '../../../shaders/lib/tile.wgsl?raw';
import wgsl from '../../../shaders/linalg/gemm_tiled.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** As `gemm`, through workgroup memory; k a multiple of 8. */
export const gemmTiled = defineKernel({
  name: 'gemm_tiled',
  wgsl: [tile, wgsl],
  scalars: { m: 'u32', n: 'u32', k: 'u32', accumulate: 'u32' },
  inputs: ['a', 'b'],
  outputs: ['c'],
  workgroups: ({ m, n }) => [Math.ceil(n / 128), Math.ceil(m / 128)],
});
