import wgsl from '../../../shaders/hessian/unpack_triangle.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Writes the packed lower triangle p into H (k, k), whose upper triangle stays as it is. */
export const unpackTriangle = defineKernel({
  name: 'unpack_triangle',
  wgsl: [wgsl],
  scalars: { k: 'u32' },
  inputs: { p: 'f32' },
  outputs: { h: 'f32' },
  workgroups: ({ k }) => [Math.ceil(k / 256), k],
});
