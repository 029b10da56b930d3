import flat from '../../../shaders/lib/flat.wgsl?raw';
import wgsl from '../../../shaders/logits/softmax_stats.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** What a slice of the vocabulary adds to the log-likelihood of `targets` (m): stats (m, 3) of logits (m, n). */
export const softmaxStats = defineKernel({
  name: 'softmax_stats',
  wgsl: [flat, wgsl],
  scalars: { m: 'u32', n: 'u32', first: 'u32', count: 'u32' },
  inputs: { logits: 'f32', targets: 'u32' },
  outputs: { stats: 'f32' },
  workgroups: ({ m }) => [m],
});
