import wgsl from '../../../shaders/linalg/gemm_wide.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Bytes of workgroup memory that `gemmWide` takes. */
export const GEMM_WIDE_STORAGE = 24 * 2 ** 10;

/** As `gemm`, by tiles of 256 × 128; k a multiple of 8. */
export const gemmWide = defineKernel({
  name: 'gemm_wide',
  wgsl: [wgsl],
  scalars: { m: 'u32', n: 'u32', k: 'u32', accumulate: 'u32' },
  inputs: ['a', 'b'],
  outputs: ['c'],
  workgroups: ({ m, n }) => [Math.ceil(n / 128), Math.ceil(m / 256)],
});
