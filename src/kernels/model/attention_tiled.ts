import wgsl from '../../../shaders/model/attention_tiled.wgsl?raw';
import { defineKernel } from '../../gpu/kernel.ts';

const tiled = (widest: 64 | 128 | 256) =>
  defineKernel({
    name: `attention_tiled ${widest}`,
    wgsl: [wgsl],
    scalars: {
      length: 'u32',
      heads: 'u32',
      kvHeads: 'u32',
      d: 'u32',
      window: 'u32',
      scale: 'f32',
      past: 'u32',
      rows: 'u32',
    },
    inputs: ['q', 'k', 'v'],
    outputs: ['o'],
    constants: { column_parts: widest / 64 },
    workgroups: ({ length, heads, rows }) => [heads, rows, Math.ceil(length / 64)],
  });

/** As `attention`, through workgroup memory, by the largest d; a smaller one holds its sums in fewer registers. */
export const attentionTiled = { 64: tiled(64), 128: tiled(128), 256: tiled(256) };
