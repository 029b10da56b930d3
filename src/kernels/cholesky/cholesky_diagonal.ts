import wgsl from '../../../shaders/cholesky/cholesky_diagonal.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/**
 * Replaces the 32 × 32 diagonal block at `start` of a matrix, which lies in its panel a (rows, first + rows), by the inverse
 * of its factor, and puts that into pivot (k, 32) too; counts bad pivots in `status`.
 */
export const choleskyDiagonal = defineKernel({
  name: 'cholesky_diagonal',
  wgsl: [wgsl],
  scalars: { start: 'u32', first: 'u32', rows: 'u32' },
  inputs: {},
  outputs: { a: 'f32', pivot: 'f32', status: 'u32' },
  workgroups: () => [1],
});
