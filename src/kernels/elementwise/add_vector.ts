import wgsl from '../../../shaders/elementwise/add_vector.wgsl?raw';
import flat from '../../../shaders/lib/flat.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** y (count) += x. */
export const addVector = defineKernel({
  name: 'add_vector',
  wgsl: [flat, wgsl],
  scalars: { count: 'u32' },
  inputs: { x: 'f32' },
  outputs: { y: 'f32' },
  workgroups: ({ count }) => [Math.ceil(count / 64)],
});
