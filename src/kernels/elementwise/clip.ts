import wgsl from '../../../shaders/elementwise/clip.wgsl?raw';
import flat from '../../../shaders/lib/flat.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** x (count) = max(−limit, min(limit, x)) in place. */
export const clip = defineKernel({
  name: 'clip',
  wgsl: [flat, wgsl],
  scalars: { count: 'u32', limit: 'f32' },
  inputs: {},
  outputs: { x: 'f32' },
  workgroups: ({ count }) => [Math.ceil(count / 64)],
});
