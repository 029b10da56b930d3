import wgsl from '../../../shaders/cholesky/cholesky_update.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Subtracts a finished panel of 32 columns from the lower triangle after it, in place. */
export const choleskyUpdate = defineKernel({
  name: 'cholesky_update',
  wgsl: [wgsl],
  scalars: { k: 'u32', start: 'u32' },
  inputs: {},
  outputs: { a: 'vec4f' },
  workgroups: ({ k, start }) => [Math.ceil((k - start) / 32) - 1, Math.ceil((k - start - 32) / 64)],
});
