import wgsl from '../../../shaders/hessian/diagonal.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Elements start … start + rows − 1 of d (k): the diagonal of a symmetric matrix, from these rows, h (rows, start + rows). */
export const diagonal = defineKernel({
  name: 'diagonal',
  wgsl: [wgsl],
  scalars: { start: 'u32', rows: 'u32' },
  inputs: { h: 'f32' },
  outputs: { d: 'f32' },
  workgroups: ({ rows }) => [Math.ceil(rows / 64)],
});
