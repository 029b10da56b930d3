import flat from '../../../shaders/lib/flat.wgsl?raw';
import wgsl from '../../../shaders/pack/compare.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Largest |a − b| as the bits of an f32; `result` must be zero before. */
export const compare = defineKernel({
  name: 'compare',
  wgsl: [flat, wgsl],
  scalars: { count: 'u32' },
  inputs: { a: 'f32', b: 'f32' },
  outputs: { result: 'atomic<u32>' },
  workgroups: ({ count }) => [Math.ceil(count / 4096)],
});
