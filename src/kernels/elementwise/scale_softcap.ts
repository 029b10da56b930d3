import wgsl from '../../../shaders/elementwise/scale_softcap.wgsl?raw';
import flat from '../../../shaders/lib/flat.wgsl?raw';
import softcap from '../../../shaders/lib/softcap.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** x = softcap · tanh(scale · x / softcap) in place; `softcap` 0: x = scale · x. */
export const scaleSoftcap = defineKernel({
  name: 'scale_softcap',
  wgsl: [flat, softcap, wgsl],
  scalars: { count: 'u32', scale: 'f32', softcap: 'f32' },
  inputs: {},
  outputs: { x: 'f32' },
  workgroups: ({ count }) => [Math.ceil(count / 64)],
});
