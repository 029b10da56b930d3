import wgsl from '../../../shaders/gptq/group_sweep.wgsl?raw';
import exl2 from '../../../shaders/lib/exl2.wgsl?raw';
import half from '../../../shaders/lib/half.wgsl?raw';
import { defineKernel, defineVariant } from '../../gpu/kernel.ts';

/** Quantizes the rows of each job’s group in order. */
export const groupSweep = defineKernel({
  name: 'group_sweep',
  wgsl: [half, exl2, wgsl],
  constants: { LANES: 64, COLUMNS: 1 },
  scalars: { k: 'u32', n: 'u32', job: 'u32', jobCount: 'u32' },
  inputs: { current: 'f32', u: 'vec4f', scaleMax: 'u32', scaleCodes: 'u32', jobs: 'u32' },
  outputs: { e: 'f32', codes: 'u32' },
  workgroups: ({ n, jobCount }) => [Math.ceil(n / 64), jobCount],
});

/** As `groupSweep`, with two columns to an invocation, for adapters on the CPU: see `gemmLarge`. n a multiple of 32. */
export const groupSweepLarge = defineVariant(groupSweep, {
  name: 'group_sweep_large',
  wgsl: [half, exl2, wgsl],
  constants: { LANES: 16, COLUMNS: 2 },
  workgroups: ({ n, jobCount }) => [n / 32, jobCount],
});
