import half from '../../../shaders/lib/half.wgsl?raw';
import wgsl from '../../../shaders/scale/scale_search_large.wgsl?raw';
import { defineVariant } from '../../gpu/kernel.ts';
import { scaleSearch } from './scale_search.ts';

/** As `scaleSearch`, with fewer reads, for adapters on the CPU: see `gemmLarge`. */
export const scaleSearchLarge = defineVariant(scaleSearch, {
  name: 'scale_search_large',
  wgsl: [half, wgsl],
  inputs: { current: 'f32', base: 'f32' },
  workgroups: ({ n, jobCount }) => [n / 32, jobCount],
});
