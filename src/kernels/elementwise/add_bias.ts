import wgsl from '../../../shaders/elementwise/add_bias.wgsl?raw';
import flat from '../../../shaders/lib/flat.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Adds `bias` (n) to every row of y (m, n), in place. */
export const addBias = defineKernel({
  name: 'add_bias',
  wgsl: [flat, wgsl],
  scalars: { m: 'u32', n: 'u32' },
  inputs: { bias: 'f32' },
  outputs: { y: 'f32' },
  workgroups: ({ m, n }) => [Math.ceil((m * n) / 64)],
});
