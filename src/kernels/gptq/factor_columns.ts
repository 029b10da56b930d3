import wgsl from '../../../shaders/gptq/factor_columns.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/**
 * Columns of the upper U (k, k) for each job’s block, into u (candidates, k, 256): what a panel x (rows, first + rows) of
 * the lower triangular matrix has of them that is U with its rows and columns reversed.
 */
export const factorColumns = defineKernel({
  name: 'factor_columns',
  wgsl: [wgsl],
  scalars: { k: 'u32', first: 'u32', rows: 'u32', job: 'u32', jobCount: 'u32' },
  inputs: { x: 'vec4f', jobs: 'u32' },
  outputs: { u: 'vec4f' },
  workgroups: ({ rows, jobCount }) => [1, rows, jobCount],
});
