import wgsl from '../../../shaders/gemm/gemm_split_k.wgsl?raw';
import tile from '../../../shaders/lib/tile.wgsl?raw';
import product from '../../../shaders/lib/tile_product.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Split-k: parts of A·B, (parts, m, n), each of `depth` of the k indices, multiples of 8; `sumParts` adds them. */
export const gemmSplitK = defineKernel({
  name: 'gemm_split_k',
  wgsl: [tile, product, wgsl],
  scalars: { m: 'u32', n: 'u32', k: 'u32', depth: 'u32', parts: 'u32' },
  inputs: { a: 'vec4f', b: 'vec4f' },
  outputs: { c: 'vec4f' },
  workgroups: ({ m, n, parts }) => [Math.ceil(n / 128), Math.ceil(m / 128), parts],
});

/** Tiles that keep a large GPU busy. */
const ENOUGH_TILES = 256;
const MOST_PARTS = 8;
/** Shorter parts would be little more than their first loads. */
const LEAST_DEPTH = 512;

/** In how many parts of what depth a product is made: by its shape alone, so that all GPUs sum alike. */
export function splitOf(m: number, n: number, k: number): { depth: number; parts: number } {
  const tiles = Math.ceil(m / 128) * Math.ceil(n / 128);
  const most = Math.min(MOST_PARTS, Math.floor(k / LEAST_DEPTH));
  const wanted = Math.max(1, Math.min(most, Math.floor(ENOUGH_TILES / tiles)));
  const depth = Math.ceil(k / wanted / 8) * 8;
  return { depth, parts: Math.ceil(k / depth) };
}
