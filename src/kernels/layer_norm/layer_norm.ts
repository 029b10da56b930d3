import wgsl from '../../../shaders/layer_norm/layer_norm.wgsl?raw';
import flat from '../../../shaders/lib/flat.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Layer norm over rows of k elements, with gain and bias, (heads, k) each, which the rows take in turn. */
export const layerNorm = defineKernel({
  name: 'layer_norm',
  wgsl: [flat, wgsl],
  scalars: { rows: 'u32', k: 'u32', heads: 'u32', epsilon: 'f32' },
  inputs: { x: 'f32', weight: 'f32', bias: 'f32' },
  outputs: { y: 'f32' },
  workgroups: ({ rows }) => [rows],
});
