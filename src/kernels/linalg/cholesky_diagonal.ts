import wgsl from '../../../shaders/linalg/cholesky_diagonal.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Factors the 32 × 32 diagonal block at `start` of A (k, k) in place and stores its inverse; counts bad pivots in `status`. */
export const choleskyDiagonal = defineKernel({
  name: 'cholesky_diagonal',
  wgsl: [wgsl],
  scalars: { k: 'u32', start: 'u32' },
  inputs: [],
  outputs: ['a', 'inverse', 'status'],
  workgroups: () => [1],
});
