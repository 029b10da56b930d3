import wgsl from '../../../shaders/attention/attention.wgsl?raw';
import softcap from '../../../shaders/lib/softcap.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

/**
 * Causal grouped-query attention with an optional sliding window, within rows of `length` tokens. `past` tokens stand
 * before each row's queries among its keys and values. `softcap` bounds the scaled scores; 0: nothing does.
 */
export const attention = defineKernel({
  name: 'attention',
  wgsl: [softcap, wgsl],
  scalars: {
    length: 'u32',
    heads: 'u32',
    kvHeads: 'u32',
    d: 'u32',
    window: 'u32',
    scale: 'f32',
    softcap: 'f32',
    past: 'u32',
    rows: 'u32',
  },
  inputs: { q: 'vec4f', k: 'vec4f', v: 'f32' },
  outputs: { o: 'f32' },
  workgroups: ({ length, heads, rows }) => [Math.ceil(length / 8), heads, rows],
});
