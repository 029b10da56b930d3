import wgsl from '../../../shaders/gemm/gemm_tiled.wgsl?raw';
import tile from '../../../shaders/lib/tile.wgsl?raw';
import product from '../../../shaders/lib/tile_product.wgsl?raw';
import { defineVariant } from '../../gpu/kernel.ts';
import { gemm } from './gemm.ts';

/** As `gemm`, through workgroup memory; k a multiple of 8. */
export const gemmTiled = defineVariant(gemm, {
  name: 'gemm_tiled',
  wgsl: [tile, product, wgsl],
  workgroups: ({ m, n }) => [Math.ceil(n / 128), Math.ceil(m / 128)],
});
