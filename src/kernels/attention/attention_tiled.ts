import wgsl from '../../../shaders/attention/attention_tiled.wgsl?raw';
import softcap from '../../../shaders/lib/softcap.wgsl?raw';
import { defineVariant } from '../../gpu/kernel.ts';
import { attention } from './attention.ts';

const tiled = (widest: 64 | 128 | 256) =>
  defineVariant(attention, {
    name: `attention_tiled ${widest}`,
    wgsl: [softcap, wgsl],
    constants: { COLUMN_PARTS: widest / 64 },
    inputs: { v: 'vec4f' },
    outputs: { o: 'vec4f' },
    workgroups: ({ length, heads, rows }) => [heads, rows, Math.ceil(length / 64)],
  });

/** As `attention`, through workgroup memory, by the largest d; a smaller one holds its sums in fewer registers. */
export const attentionTiled = { 64: tiled(64), 128: tiled(128), 256: tiled(256) };
