import type { Family } from './family.ts';
import { llama } from './llama.ts';

/** Qwen 2 and 2.5: always biases on q, k and v, never on o. */
export const qwen2: Family = {
  ...llama,
  name: 'Qwen2ForCausalLM',
  attention: { qkvBias: 'always', oBias: 'never', headNorms: false, windows: 'layerTypes' },
  mlp: { bias: 'never' },
  knows: ['layer_types'],
  defaults: { slidingWindow: 4096 },
};
