import wgsl from '../../../shaders/hessian/block_sums.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/**
 * Adds to p (side, side), on and below its diagonal, the sums of |h| over as many blocks of a symmetric matrix (k, k), from
 * rows start … start + rows − 1 of it, h (rows, start + rows); side ≤ k.
 */
export const blockSums = defineKernel({
  name: 'block_sums',
  wgsl: [wgsl],
  scalars: { start: 'u32', rows: 'u32', k: 'u32', side: 'u32' },
  inputs: { h: 'f32' },
  outputs: { p: 'f32' },
  workgroups: ({ side }) => [side, side],
});
