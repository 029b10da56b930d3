import wgsl from '../../../shaders/linalg/triangular_inverse.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/** Block row `block` of L⁻¹, stored reversed as an upper factor u (k, k). */
export const triangularInverse = defineKernel({
  name: 'triangular_inverse',
  wgsl: [wgsl],
  scalars: { k: 'u32', block: 'u32' },
  inputs: ['l', 'inverse'],
  outputs: ['u'],
  workgroups: ({ block }) => [block + 1],
});
