import wgsl from '../../../shaders/hessian/diagonal.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** d (k) = diagonal of H (k, k). */
export const diagonal = defineKernel({
  name: 'diagonal',
  wgsl: [wgsl],
  scalars: { k: 'u32' },
  inputs: { h: 'f32' },
  outputs: { d: 'f32' },
  workgroups: ({ k }) => [Math.ceil(k / 64)],
});
