import lib from '../../../shaders/lib/packed.wgsl?raw';
import wgsl from '../../../shaders/packed_gemm/packed_gemv.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** As packed_gemm, for few rows; x in the order of input features. */
export const packedGemv = defineKernel({
  name: 'packed_gemv',
  wgsl: [lib, wgsl],
  scalars: { m: 'u32', n: 'u32', k: 'u32', accumulate: 'u32' },
  inputs: { x: 'f32', perm: 'u32', chunks: 'vec4u', scales: 'u32', packed: 'vec4u' },
  outputs: { y: 'vec4f' },
  workgroups: ({ m, n }) => [n / 32, m],
});
