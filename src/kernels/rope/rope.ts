import flat from '../../../shaders/lib/flat.wgsl?raw';
import wgsl from '../../../shaders/rope/rope.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/**
 * Rotary position embedding of x (tokens, heads · d), in place; each row of `length` starts at position `past`. Of each
 * head the leading `rotated` dimensions turn, an even number; `pairs`: 0 i with i + rotated/2, 1 neighbours.
 */
export const rope = defineKernel({
  name: 'rope',
  wgsl: [flat, wgsl],
  scalars: {
    tokens: 'u32',
    length: 'u32',
    heads: 'u32',
    d: 'u32',
    rotated: 'u32',
    pairs: 'u32',
    past: 'u32',
  },
  inputs: { cosine: 'f32', sine: 'f32' },
  outputs: { x: 'f32' },
  workgroups: ({ tokens, heads, rotated }) => [Math.ceil((tokens * heads * rotated) / 128)],
});
