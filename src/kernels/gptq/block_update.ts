import wgsl from '../../../shaders/gptq/block_update.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Feeds the errors of all rows before each job’s block into its rows. `jobCount`: blocks done together. */
export const blockUpdate = defineKernel({
  name: 'block_update',
  wgsl: [wgsl],
  scalars: { k: 'u32', n: 'u32', job: 'u32', jobCount: 'u32' },
  inputs: ['w', 'u', 'perm', 'e', 'jobs'],
  outputs: ['pending'],
  workgroups: ({ n, jobCount }) => [Math.ceil(n / 128), 8, jobCount],
});
