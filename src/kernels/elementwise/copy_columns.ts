import wgsl from '../../../shaders/elementwise/copy_columns.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/**
 * Copies `columns` columns of x (rows, fromWidth) from number `fromColumn` on into those of y (rows, toWidth) from
 * `toColumn` on; all but the rows multiples of 4.
 */
export const copyColumns = defineKernel({
  name: 'copy_columns',
  wgsl: [wgsl],
  scalars: {
    rows: 'u32',
    columns: 'u32',
    fromWidth: 'u32',
    fromColumn: 'u32',
    toWidth: 'u32',
    toColumn: 'u32',
  },
  inputs: { x: 'vec4f' },
  outputs: { y: 'vec4f' },
  workgroups: ({ rows, columns }) => [Math.ceil(columns / 256), rows],
});
