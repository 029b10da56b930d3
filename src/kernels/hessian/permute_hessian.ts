import wgsl from '../../../shaders/hessian/permute_hessian.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/**
 * A[i, j] = scale · H[order[first + i], order[j]], on the diagonal times 1 + `ratio`, plus `damp`, for `count` rows of
 * `columns` elements: those that are in the panel h (rows, start + rows) of H's lower triangle.
 */
export const permuteHessian = defineKernel({
  name: 'permute_hessian',
  wgsl: [wgsl],
  scalars: {
    ...{ first: 'u32', count: 'u32', columns: 'u32', start: 'u32', rows: 'u32' },
    ...{ scale: 'f32', ratio: 'f32', damp: 'f32' },
  },
  inputs: { h: 'f32', order: 'u32' },
  outputs: { a: 'f32' },
  workgroups: ({ count, columns }) => [Math.ceil(columns / 64), count],
});
