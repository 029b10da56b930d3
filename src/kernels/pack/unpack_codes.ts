import wgsl from '../../../shaders/pack/unpack_codes.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Codes (k/4, n) from EXL2’s q_weight. */
export const unpackCodes = defineKernel({
  name: 'unpack_codes',
  wgsl: [wgsl],
  scalars: { n: 'u32', k: 'u32' },
  inputs: { packed: 'u32', rows: 'u32', first: 'vec2u' },
  outputs: { codes: 'u32' },
  workgroups: ({ n, k }) => [Math.ceil(n / 64), k / 4],
});
