import wgsl from '../../../shaders/elementwise/gated_activation.wgsl?raw';
import functions from '../../../shaders/lib/activation.wgsl?raw';
import flat from '../../../shaders/lib/flat.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** gate = f(gate) · up in place; `activation`: 0 silu, 1 gelu, 2 gelu by tanh. */
export const gatedActivation = defineKernel({
  name: 'gated_activation',
  wgsl: [flat, functions, wgsl],
  scalars: { count: 'u32', activation: 'u32' },
  inputs: { up: 'f32' },
  outputs: { gate: 'f32' },
  workgroups: ({ count }) => [Math.ceil(count / 64)],
});
