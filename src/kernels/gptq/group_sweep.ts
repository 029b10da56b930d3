import wgsl from '../../../shaders/gptq/group_sweep.wgsl?raw';
import exl2 from '../../../shaders/lib/exl2.wgsl?raw';
import half from '../../../shaders/lib/half.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Quantizes the rows of each job’s group in order. */
export const groupSweep = defineKernel({
  name: 'group_sweep',
  wgsl: [half, exl2, wgsl],
  scalars: { k: 'u32', n: 'u32', job: 'u32', jobCount: 'u32' },
  inputs: ['current', 'u', 'scaleMax', 'scaleCodes', 'jobs'],
  outputs: ['e', 'codes'],
  workgroups: ({ n, jobCount }) => [Math.ceil(n / 64), jobCount],
});
