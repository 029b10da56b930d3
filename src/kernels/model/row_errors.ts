import flat from '../../../shaders/lib/flat.wgsl?raw';
import wgsl from '../../../shaders/model/row_errors.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Squared relative errors of each row, (rows, 2), from the sums of its tokens, (rows, length, parts, 2). */
export const rowErrors = defineKernel({
  name: 'row_errors',
  wgsl: [flat, wgsl],
  scalars: { rows: 'u32', length: 'u32', parts: 'u32' },
  inputs: ['sums'],
  outputs: ['errors'],
  workgroups: ({ rows }) => [rows],
});
