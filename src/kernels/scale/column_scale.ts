import wgsl from '../../../shaders/scale/column_scale.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Fitting scale of each column of each job’s group, and the group’s unit (their maximum). */
export const columnScale = defineKernel({
  name: 'column_scale',
  wgsl: [wgsl],
  scalars: { n: 'u32', job: 'u32', jobCount: 'u32' },
  inputs: { current: 'f32', jobs: 'u32' },
  outputs: { base: 'f32', unit: 'atomic<u32>' },
  workgroups: ({ n, jobCount }) => [Math.ceil(n / 64), jobCount],
});
