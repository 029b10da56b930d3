import wgsl from '../../../shaders/cholesky/cholesky_panel.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Turns the 32 columns below a factored diagonal block into columns of L, in place. */
export const choleskyPanel = defineKernel({
  name: 'cholesky_panel',
  wgsl: [wgsl],
  scalars: { k: 'u32', start: 'u32' },
  inputs: {},
  outputs: { a: 'vec4f' },
  workgroups: ({ k, start }) => [(k - start) / 32 - 1],
});
