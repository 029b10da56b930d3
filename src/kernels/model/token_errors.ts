import flat from '../../../shaders/lib/flat.wgsl?raw';
import wgsl from '../../../shaders/model/token_errors.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Sums of squared errors of y (rows, length, hidden), of 8 tokens each: (rows, parts, 3), parts = ceil(length / 8). */
export const tokenErrors = defineKernel({
  name: 'token_errors',
  wgsl: [flat, wgsl],
  scalars: { rows: 'u32', length: 'u32', hidden: 'u32', parts: 'u32' },
  inputs: { y: 'f32', reference: 'f32' },
  outputs: { sums: 'f32' },
  workgroups: ({ rows, parts }) => [rows * parts],
});
