import wgsl from '../../../shaders/load_weight/normalize_columns.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Columns of w (k, n) f32, each divided by its length, in place. */
export const normalizeColumns = defineKernel({
  name: 'normalize_columns',
  wgsl: [wgsl],
  scalars: { k: 'u32', n: 'u32' },
  inputs: {},
  outputs: { w: 'f32' },
  workgroups: ({ n }) => [Math.ceil(n / 64)],
});
