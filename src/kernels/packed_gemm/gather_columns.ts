import flat from '../../../shaders/lib/flat.wgsl?raw';
import wgsl from '../../../shaders/packed_gemm/gather_columns.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** y (m, k): the columns of x (m, k) in the order of `perm` (k). */
export const gatherColumns = defineKernel({
  name: 'gather_columns',
  wgsl: [flat, wgsl],
  scalars: { m: 'u32', k: 'u32' },
  inputs: { x: 'f32', perm: 'u32' },
  outputs: { y: 'f32' },
  workgroups: ({ m, k }) => [Math.ceil((m * k) / 64)],
});
