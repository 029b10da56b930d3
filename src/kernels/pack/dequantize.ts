import exl2 from '../../../shaders/lib/exl2.wgsl?raw';
import half from '../../../shaders/lib/half.wgsl?raw';
import wgsl from '../../../shaders/pack/dequantize.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Weights (k, n) f32 in input-feature order from codes and scales. */
export const dequantize = defineKernel({
  name: 'dequantize',
  wgsl: [half, exl2, wgsl],
  scalars: { k: 'u32', n: 'u32' },
  inputs: { codes: 'u32', scaleCodes: 'u32', scaleMax: 'u32', rows: 'u32', perm: 'u32' },
  outputs: { w: 'f32' },
  workgroups: ({ k, n }) => [Math.ceil(n / 64), k / 4],
});
