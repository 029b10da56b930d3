import wgsl from '../../../shaders/hessian/symmetrize.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Mirrors the lower triangle of H (k, k) into the upper one. */
export const symmetrize = defineKernel({
  name: 'symmetrize',
  wgsl: [wgsl],
  scalars: { k: 'u32' },
  inputs: {},
  outputs: { h: 'f32' },
  workgroups: ({ k }) => [Math.ceil(k / 256), k],
});
