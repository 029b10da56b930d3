import type { Architecture } from './architecture.ts';
import { attention, gatedMlp } from './blocks.ts';

/** Qwen 3: query and key heads are normed; head_dim need not be hidden_size / heads. */
export const qwen3: Architecture = {
  name: 'Qwen3ForCausalLM',
  modules: [
    attention({ qkvBias: 'attentionBias', oBias: 'attentionBias', headNorms: true }),
    gatedMlp('never'),
  ],
  windows: 'layerTypes',
  knows: ['layer_types', 'use_qk_norm', 'qk_norm'],
  defaults: { headDim: 128, slidingWindow: 4096 },
};
