import wgsl from '../../../shaders/pack/pack_codes.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** EXL2’s q_weight (packedRows, n) from codes. */
export const packCodes = defineKernel({
  name: 'pack_codes',
  wgsl: [wgsl],
  scalars: { n: 'u32', packedRows: 'u32' },
  inputs: { codes: 'u32', words: 'vec4u' },
  outputs: { packed: 'u32' },
  workgroups: ({ n, packedRows }) => [Math.ceil(n / 64), packedRows],
});
