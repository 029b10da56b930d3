import wgsl from '../../../shaders/elementwise/activation.wgsl?raw';
import functions from '../../../shaders/lib/activation.wgsl?raw';
import flat from '../../../shaders/lib/flat.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** y = f(y) in place; `activation` as `gatedActivation` has it. */
export const activation = defineKernel({
  name: 'activation',
  wgsl: [flat, functions, wgsl],
  scalars: { count: 'u32', activation: 'u32' },
  inputs: {},
  outputs: { y: 'f32' },
  workgroups: ({ count }) => [Math.ceil(count / 64)],
});
