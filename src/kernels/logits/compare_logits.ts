import flat from '../../../shaders/lib/flat.wgsl?raw';
import wgsl from '../../../shaders/logits/compare_logits.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Numbers that compare_logits gives a row. */
export const COMPARED = 9;

/** What a slice of the vocabulary adds to the comparison of logits a and b (m, n): stats (m, 9). */
export const compareLogits = defineKernel({
  name: 'compare_logits',
  wgsl: [flat, wgsl],
  scalars: { m: 'u32', n: 'u32', first: 'u32', count: 'u32' },
  inputs: { a: 'f32', b: 'f32', targets: 'u32' },
  outputs: { stats: 'f32' },
  workgroups: ({ m }) => [m],
});
