import wgsl from '../../../shaders/gram/column_sum_squares.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Adds the sum of squares of each column of x (m, k) to p (k). */
export const columnSumSquares = defineKernel({
  name: 'column_sum_squares',
  wgsl: [wgsl],
  scalars: { m: 'u32', k: 'u32' },
  inputs: { x: 'f32' },
  outputs: { p: 'f32' },
  workgroups: ({ k }) => [Math.ceil(k / 64)],
});
