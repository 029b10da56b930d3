import wgsl from '../../../shaders/gptq/group_update.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/**
 * Feeds the errors of the earlier rows of its block into the rows of each job’s group. `jobCount`: groups done
 * together.
 */
export const groupUpdate = defineKernel({
  name: 'group_update',
  wgsl: [wgsl],
  scalars: { k: 'u32', n: 'u32', job: 'u32', jobCount: 'u32' },
  inputs: ['pending', 'u', 'e', 'jobs'],
  outputs: ['current'],
  workgroups: ({ n, jobCount }) => [Math.ceil(n / 128), 4, jobCount],
});
