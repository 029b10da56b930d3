import wgsl from '../../../shaders/descent/descent_sweep.wgsl?raw';
import exl2 from '../../../shaders/lib/exl2.wgsl?raw';
import half from '../../../shaders/lib/half.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** One pass of coordinate descent over the codes of rows start … end − 1, both multiples of 4. */
export const descentSweep = defineKernel({
  name: 'descent_sweep',
  wgsl: [half, exl2, wgsl],
  scalars: { k: 'u32', n: 'u32', start: 'u32', end: 'u32' },
  inputs: { h: 'vec4f', scaleCodes: 'u32', scaleMax: 'u32', rows: 'u32' },
  outputs: { gradient: 'f32', codes: 'u32', d: 'f32' },
  workgroups: ({ n }) => [Math.ceil(n / 64)],
});
