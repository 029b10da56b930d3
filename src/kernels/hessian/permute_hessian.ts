import wgsl from '../../../shaders/hessian/permute_hessian.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** A[i, j] = scale · H[order[i], order[j]], on the diagonal times 1 + `ratio`, plus `damp`. All (k, k) f32. */
export const permuteHessian = defineKernel({
  name: 'permute_hessian',
  wgsl: [wgsl],
  scalars: { k: 'u32', scale: 'f32', ratio: 'f32', damp: 'f32' },
  inputs: { h: 'f32', order: 'u32' },
  outputs: { a: 'f32' },
  workgroups: ({ k }) => [Math.ceil(k / 64), k],
});
