import wgsl from '../../../shaders/gram/gram.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Adds xᵀx to the lower triangle of H (k, k), x (m, k) f32; k a multiple of 8. */
export const gram = defineKernel({
  name: 'gram',
  wgsl: [wgsl],
  scalars: { m: 'u32', k: 'u32' },
  inputs: { x: 'vec4f' },
  outputs: { h: 'vec4f' },
  workgroups: ({ k }) => [Math.ceil(k / 32), Math.ceil(k / 128)],
});

/** The same where x may be rounded to half precision. */
export const gramMixed = { ...gram };
