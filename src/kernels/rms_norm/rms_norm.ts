import flat from '../../../shaders/lib/flat.wgsl?raw';
import wgsl from '../../../shaders/rms_norm/rms_norm.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** RMS norm over rows of k elements, with gain (heads, k), which the rows take in turn. */
export const rmsNorm = defineKernel({
  name: 'rms_norm',
  wgsl: [flat, wgsl],
  scalars: { rows: 'u32', k: 'u32', heads: 'u32', epsilon: 'f32' },
  inputs: { x: 'f32', weight: 'f32' },
  outputs: { y: 'f32' },
  workgroups: ({ rows }) => [rows],
});
