import wgsl from '../../../shaders/gptq/block_update.wgsl?raw';
import { defineKernel, defineVariant } from '../../gpu/kernel.ts';

/** Feeds the errors of all rows before each job’s block into its rows. `jobCount`: blocks done together. */
export const blockUpdate = defineKernel({
  name: 'block_update',
  scalars: { k: 'u32', n: 'u32', job: 'u32', jobCount: 'u32' },
  inputs: { w: 'vec4f', u: 'vec4f', perm: 'u32', e: 'vec4f', jobs: 'u32' },
  outputs: { pending: 'vec4f' },
  wgsl: [wgsl],
  constants: { COLUMNS: 2 },
  workgroups: ({ n, jobCount }) => [Math.ceil(n / 128), 8, jobCount],
});

/** As `blockUpdate`, with more sums in an invocation, for adapters on the CPU: see `gemmLarge`. */
export const blockUpdateLarge = defineVariant(blockUpdate, {
  name: 'block_update_large',
  wgsl: [wgsl],
  constants: { COLUMNS: 4 },
  workgroups: ({ n, jobCount }) => [Math.ceil(n / 256), 8, jobCount],
});
