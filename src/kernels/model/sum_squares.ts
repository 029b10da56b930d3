import flat from '../../../shaders/lib/flat.wgsl?raw';
import wgsl from '../../../shaders/model/sum_squares.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Partial sums of the squares of each row: sums (rows, parts), parts = ceil(count / 4096). */
export const sumSquares = defineKernel({
  name: 'sum_squares',
  wgsl: [flat, wgsl],
  scalars: { rows: 'u32', count: 'u32', parts: 'u32' },
  inputs: { x: 'f32' },
  outputs: { sums: 'f32' },
  workgroups: ({ rows, parts }) => [parts * rows],
});
