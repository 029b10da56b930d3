import wgsl from '../../../shaders/gram/gram_tiled.wgsl?raw';
import tile from '../../../shaders/lib/tile.wgsl?raw';
import { defineVariant } from '../../gpu/kernel.ts';
import { gram } from './gram.ts';

/** Tiles of 128 × 128 in the lower triangle of so many rows. */
export function tilesAbove(rows: number): number {
  const tiles = Math.ceil(rows / 128);
  return (tiles * (tiles + 1)) / 2;
}

/** As `gram`, through workgroup memory; `start` a multiple of 128. */
export const gramTiled = defineVariant(gram, {
  name: 'gram_tiled',
  wgsl: [tile, wgsl],
  workgroups: ({ start, rows }) => [tilesAbove(start + rows) - tilesAbove(start)],
});
