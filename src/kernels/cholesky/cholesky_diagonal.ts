import wgsl from '../../../shaders/cholesky/cholesky_diagonal.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Replaces the 32 × 32 diagonal block at `start` of A (k, k) by the inverse of its factor; counts bad pivots in `status`. */
export const choleskyDiagonal = defineKernel({
  name: 'cholesky_diagonal',
  wgsl: [wgsl],
  scalars: { k: 'u32', start: 'u32' },
  inputs: {},
  outputs: { a: 'f32', status: 'u32' },
  workgroups: () => [1],
});
