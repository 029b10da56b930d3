import wgsl from '../../../shaders/cholesky/cholesky_update.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Subtracts the product of 32 finished columns, pivot (k, 32), from what comes after them in a panel a (rows, first + rows). */
export const choleskyUpdate = defineKernel({
  name: 'cholesky_update',
  wgsl: [wgsl],
  scalars: { rows: 'u32', start: 'u32', first: 'u32' },
  inputs: { pivot: 'vec4f' },
  outputs: { a: 'vec4f' },
  workgroups: ({ start, first, rows }) => {
    const end = first + rows;
    return [Math.ceil((end - start) / 32) - 1, Math.ceil((end - Math.max(start + 32, first)) / 64)];
  },
});
