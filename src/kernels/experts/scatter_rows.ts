import wgsl from '../../../shaders/experts/scatter_rows.wgsl?raw';
import flat from '../../../shaders/lib/flat.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/**
 * Adds x (count, width) f32, each row by its weight (count), to rows of y (tokens, width) by their numbers (count) u32, of
 * which none occurs twice; those of {@link NO_ROW} go nowhere.
 */
export const scatterRows = defineKernel({
  name: 'scatter_rows',
  wgsl: [flat, wgsl],
  scalars: { tokens: 'u32', count: 'u32', width: 'u32' },
  inputs: { x: 'f32', rows: 'u32', weights: 'f32' },
  outputs: { y: 'f32' },
  workgroups: ({ count, width }) => [Math.ceil((count * width) / 64)],
});
