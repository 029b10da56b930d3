import wgsl from '../../../shaders/descent/residual.wgsl?raw';
import exl2 from '../../../shaders/lib/exl2.wgsl?raw';
import half from '../../../shaders/lib/half.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** W − Q (k, n) f32 in act-order, from the weight and its codes and scales. */
export const residual = defineKernel({
  name: 'residual',
  wgsl: [half, exl2, wgsl],
  scalars: { k: 'u32', n: 'u32' },
  inputs: { w: 'f32', codes: 'u32', scaleCodes: 'u32', scaleMax: 'u32', rows: 'u32', perm: 'u32' },
  outputs: { d: 'f32' },
  workgroups: ({ k, n }) => [Math.ceil(n / 64), k / 4],
});
