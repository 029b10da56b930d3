import wgsl from '../../../shaders/triangular_inverse/reverse_triangle.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Lower triangular x (k, k) with rows and columns reversed, as the upper triangular u (k, k). */
export const reverseTriangle = defineKernel({
  name: 'reverse_triangle',
  wgsl: [wgsl],
  scalars: { k: 'u32' },
  inputs: { x: 'vec4f' },
  outputs: { u: 'vec4f' },
  workgroups: ({ k }) => [Math.ceil(k / 256), k],
});
