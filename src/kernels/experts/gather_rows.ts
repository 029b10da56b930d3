import wgsl from '../../../shaders/experts/gather_rows.wgsl?raw';
import flat from '../../../shaders/lib/flat.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** In place of a row's number: none. */
export const NO_ROW = 0xffffffff;

/** y (count, width) = rows of x (tokens, width) f32 by their numbers (count) u32; zeros for {@link NO_ROW}. */
export const gatherRows = defineKernel({
  name: 'gather_rows',
  wgsl: [flat, wgsl],
  scalars: { tokens: 'u32', count: 'u32', width: 'u32' },
  inputs: { x: 'f32', rows: 'u32' },
  outputs: { y: 'f32' },
  workgroups: ({ count, width }) => [Math.ceil((count * width) / 64)],
});
