import wgsl from '../../../shaders/gemm/gemm_wide.wgsl?raw';
import { defineVariant } from '../../gpu/kernel.ts';
import { gemm } from './gemm.ts';

/** Bytes of workgroup memory that `gemmWide` takes. */
export const GEMM_WIDE_STORAGE = 24 * 2 ** 10;

/** As `gemm`, by tiles of 256 × 128; k a multiple of 8. */
export const gemmWide = defineVariant(gemm, {
  name: 'gemm_wide',
  wgsl: [wgsl],
  workgroups: ({ m, n }) => [Math.ceil(n / 128), Math.ceil(m / 256)],
});
