import wgsl from '../../../shaders/elementwise/add_scaled.wgsl?raw';
import flat from '../../../shaders/lib/flat.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** y (count) = x + factor · y. */
export const addScaled = defineKernel({
  name: 'add_scaled',
  wgsl: [flat, wgsl],
  scalars: { count: 'u32', factor: 'f32' },
  inputs: { x: 'f32' },
  outputs: { y: 'f32' },
  workgroups: ({ count }) => [Math.ceil(count / 64)],
});
