import wgsl from '../../../shaders/hessian/add_triangle.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Adds the lower triangle of H (k, k) to the packed one p, row after row: {@link triangleSize} elements. */
export const addTriangle = defineKernel({
  name: 'add_triangle',
  wgsl: [wgsl],
  scalars: { k: 'u32' },
  inputs: { h: 'f32' },
  outputs: { p: 'f32' },
  workgroups: ({ k }) => [Math.ceil(k / 256), k],
});

/** Elements of the lower triangle of a matrix (k, k), the diagonal included. */
export const triangleSize = (k: number): number => (k * (k + 1)) / 2;
