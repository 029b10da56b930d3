import columnFit from '../../../shaders/lib/column_fit.wgsl?raw';
import half from '../../../shaders/lib/half.wgsl?raw';
import wgsl from '../../../shaders/scale/scale_search.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Weighted error of each job’s group under 12 factors on its unit, by tiles of 32 columns. */
export const scaleSearch = defineKernel({
  name: 'scale_search',
  wgsl: [half, columnFit, wgsl],
  scalars: { k: 'u32', n: 'u32', job: 'u32', firstTile: 'u32', tiles: 'u32', jobCount: 'u32' },
  inputs: { current: 'vec4f', u: 'f32', base: 'vec4f', unit: 'u32', jobs: 'u32' },
  outputs: { partial: 'f32' },
  workgroups: ({ n, jobCount }) => [n / 32, jobCount],
});
