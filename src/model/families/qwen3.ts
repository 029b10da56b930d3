import type { Family } from './family.ts';
import { llama } from './llama.ts';

/** Qwen 3: query and key heads are normed; head_dim need not be hidden_size / heads. */
export const qwen3: Family = {
  ...llama,
  name: 'Qwen3ForCausalLM',
  attention: { qkvBias: 'attentionBias', oBias: 'attentionBias', headNorms: true, windows: 'layerTypes' },
  mlp: { bias: 'never' },
  knows: ['layer_types', 'use_qk_norm', 'qk_norm'],
  defaults: { headDim: 128, slidingWindow: 4096 },
};
