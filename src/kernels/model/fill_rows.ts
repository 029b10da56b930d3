import flat from '../../../shaders/lib/flat.wgsl?raw';
import wgsl from '../../../shaders/model/fill_rows.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Every row of y (m, n) becomes a copy of `row` (n). */
export const fillRows = defineKernel({
  name: 'fill_rows',
  wgsl: [flat, wgsl],
  scalars: { m: 'u32', n: 'u32' },
  inputs: ['row'],
  outputs: ['y'],
  workgroups: ({ m, n }) => [Math.ceil((m * n) / 64)],
});
