import wgsl from '../../../shaders/gptq/group_update.wgsl?raw';
import { defineKernel, defineVariant } from '../../gpu/kernel.ts';

/**
 * Feeds the errors of the earlier rows of its block into the rows of each job’s group. `jobCount`: groups done
 * together.
 */
export const groupUpdate = defineKernel({
  name: 'group_update',
  scalars: { k: 'u32', n: 'u32', job: 'u32', jobCount: 'u32' },
  inputs: { pending: 'vec4f', u: 'vec4f', e: 'vec4f', jobs: 'u32' },
  outputs: { current: 'vec4f' },
  wgsl: [wgsl],
  constants: { COLUMNS: 2 },
  workgroups: ({ n, jobCount }) => [Math.ceil(n / 128), 4, jobCount],
});

/** As `groupUpdate`, with more sums in an invocation, for adapters on the CPU: see `gemmLarge`. */
export const groupUpdateLarge = defineVariant(groupUpdate, {
  name: 'group_update_large',
  wgsl: [wgsl],
  constants: { COLUMNS: 4 },
  workgroups: ({ n, jobCount }) => [Math.ceil(n / 256), 4, jobCount],
});
