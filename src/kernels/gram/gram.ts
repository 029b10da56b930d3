import wgsl from '../../../shaders/gram/gram.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/**
 * Adds xᵀx, x (m, k) f32, to the lower triangle of H (k, k), of which h (rows, start + rows) has the rows from `start` on; all
 * multiples of 8.
 */
export const gram = defineKernel({
  name: 'gram',
  wgsl: [wgsl],
  scalars: { m: 'u32', k: 'u32', start: 'u32', rows: 'u32' },
  inputs: { x: 'vec4f' },
  outputs: { h: 'vec4f' },
  workgroups: ({ start, rows }) => [Math.ceil((start + rows) / 32), Math.ceil(rows / 128)],
});

/** The same where x may be rounded to half precision. */
export const gramMixed = { ...gram };
