import type { Family } from './family.ts';
import { llama } from './llama.ts';

/** Command R and R+, Aya: attention and MLP beside each other, layer norms without biases, neighbours rotated. */
export const cohere: Family = {
  ...llama,
  name: 'CohereForCausalLM',
  tensors: { ...llama.tensors, mlp: { ...llama.tensors.mlp, norm: 'input_layernorm' } },
  attention: { ...llama.attention, headNorms: 'own' },
  mlp: { bias: 'never' },
  parallel: true,
  layerNorms: 'withoutBias',
  epsilonKeys: { source: 'layer_norm_eps', written: 'layer_norm_eps' },
  factors: { logits: { key: 'logit_scale', absent: 0.0625 } },
  rope: { pairs: true },
  modelTypes: ['cohere'],
  knows: ['logit_scale', 'use_qk_norm'],
  defaults: { tied: true, normEps: 1e-5 },
};
