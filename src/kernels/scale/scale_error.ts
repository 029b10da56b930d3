import wgsl from '../../../shaders/scale/scale_error.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Error of each job’s group under 97 factors on its unit, by tiles of 32 columns; also the scale codes. */
export const scaleError = defineKernel({
  name: 'scale_error',
  wgsl: [wgsl],
  scalars: { n: 'u32', job: 'u32', firstTile: 'u32', tiles: 'u32', jobCount: 'u32' },
  inputs: { current: 'vec4f', base: 'vec4f', unit: 'u32', jobs: 'u32' },
  outputs: { partial: 'f32', scaleCodes: 'vec4u' },
  workgroups: ({ n, jobCount }) => [n / 32, jobCount],
});
