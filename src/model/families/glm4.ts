import type { Family } from './family.ts';
import { llama } from './llama.ts';

/** GLM-4 of 2025: norms of what blocks add, gate and up in one tensor, neighbours of half of each head rotated. */
export const glm4: Family = {
  ...llama,
  name: 'Glm4ForCausalLM',
  tensors: {
    ...llama.tensors,
    attention: { ...llama.tensors.attention, postNorm: 'post_self_attn_layernorm' },
    mlp: { ...llama.tensors.mlp, postNorm: 'post_mlp_layernorm' },
  },
  source: { fused: { gateUp: 'gate_up_proj' } },
  attention: { qkvBias: 'attentionBias', oBias: 'never', headNorms: false, windows: 'none' },
  mlp: { bias: 'never' },
  rope: { pairs: true, part: 0.5 },
  modelTypes: ['glm4'],
  knows: ['partial_rotary_factor'],
  defaults: { headDim: 128, normEps: 1.5625e-7 },
};
