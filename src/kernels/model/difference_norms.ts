import flat from '../../../shaders/lib/flat.wgsl?raw';
import wgsl from '../../../shaders/model/difference_norms.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Partial sums of (y − reference)² and reference² by row: sums (rows, parts, 2), parts = ceil(count / 4096). */
export const differenceNorms = defineKernel({
  name: 'difference_norms',
  wgsl: [flat, wgsl],
  scalars: { rows: 'u32', count: 'u32', parts: 'u32' },
  inputs: ['y', 'reference'],
  outputs: ['sums'],
  workgroups: ({ rows, parts }) => [parts * rows],
});
