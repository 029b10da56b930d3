import half from '../../../shaders/lib/half.wgsl?raw';
import wgsl from '../../../shaders/scale/scale_choice.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** The best of `factors` factors from `least` to `most`, and the unit that is stored (half bits). */
export const scaleChoice = defineKernel({
  name: 'scale_choice',
  wgsl: [half, wgsl],
  scalars: { tiles: 'u32', job: 'u32', factors: 'u32', least: 'f32', most: 'f32', jobCount: 'u32' },
  inputs: { partial: 'f32', unit: 'u32', jobs: 'u32' },
  outputs: { scaleMax: 'u32' },
  workgroups: ({ jobCount }) => [jobCount],
});
