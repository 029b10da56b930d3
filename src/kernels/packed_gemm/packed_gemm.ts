import lib from '../../../shaders/lib/packed.wgsl?raw';
import wgsl from '../../../shaders/packed_gemm/packed_gemm.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** y (m, n) = x (m, k) · W (k, n) of EXL2's tensors, added to y when `accumulate` is 1; x in act-order. */
export const packedGemm = defineKernel({
  name: 'packed_gemm',
  wgsl: [lib, wgsl],
  scalars: { m: 'u32', n: 'u32', k: 'u32', accumulate: 'u32' },
  inputs: { x: 'vec4f', chunks: 'vec4u', scales: 'u32', packed: 'vec4u' },
  outputs: { y: 'vec4f' },
  workgroups: ({ m, n }) => [Math.ceil(n / 32), Math.ceil(m / 128)],
});
