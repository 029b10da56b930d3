import wgsl from '../../../shaders/gemm/sum_parts.wgsl?raw';
import flat from '../../../shaders/lib/flat.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** y (count) = the sum of x (parts, count) over its parts, in order; count a multiple of 4. */
export const sumParts = defineKernel({
  name: 'sum_parts',
  wgsl: [flat, wgsl],
  scalars: { count: 'u32', parts: 'u32' },
  inputs: { x: 'vec4f' },
  outputs: { y: 'vec4f' },
  workgroups: ({ count }) => [Math.ceil(count / 256)],
});
