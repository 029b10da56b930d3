import wgsl from '../../../shaders/cholesky/cholesky_panel.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/**
 * Turns the 32 columns below a factored diagonal block into columns of L, in a panel a (rows, first + rows) and in
 * pivot (k, 32).
 */
export const choleskyPanel = defineKernel({
  name: 'cholesky_panel',
  wgsl: [wgsl],
  scalars: { start: 'u32', first: 'u32', rows: 'u32' },
  inputs: {},
  outputs: { a: 'vec4f', pivot: 'vec4f' },
  workgroups: ({ start, first, rows }) => [(first + rows - Math.max(start + 32, first)) / 32],
});
