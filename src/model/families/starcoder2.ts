import type { Family } from './family.ts';
import { llama } from './llama.ts';

/** StarCoder 2: layer norms, biases everywhere, an MLP without gate, and the embedding for its head. */
export const starcoder2: Family = {
  ...llama,
  name: 'Starcoder2ForCausalLM',
  tensors: {
    ...llama.tensors,
    mlp: { module: 'mlp', norm: 'post_attention_layernorm', up: 'c_fc', down: 'c_proj' },
  },
  attention: { qkvBias: 'useBias', oBias: 'useBias', headNorms: false, windows: 'everyLayer' },
  mlp: { bias: 'useBias' },
  layerNorms: true,
  epsilonKeys: { source: 'norm_epsilon', written: 'layer_norm_epsilon' },
  modelTypes: ['starcoder2'],
  knows: ['norm_type'],
  defaults: { tied: true, normEps: 1e-5 },
};
