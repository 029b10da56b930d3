import type { Family } from './family.ts';

/** Llama 1 to 3.3 and the many models that took over its layout. */
export const llama: Family = {
  name: 'LlamaForCausalLM',
  tensors: {
    embedding: 'model.embed_tokens',
    finalNorm: 'model.norm',
    head: 'lm_head',
    layers: 'model.layers',
    attention: {
      ...{ module: 'self_attn', norm: 'input_layernorm' },
      ...{ q: 'q_proj', k: 'k_proj', v: 'v_proj', o: 'o_proj', qNorm: 'q_norm', kNorm: 'k_norm' },
    },
    mlp: {
      ...{ module: 'mlp', norm: 'post_attention_layernorm' },
      ...{ gate: 'gate_proj', up: 'up_proj', down: 'down_proj' },
    },
  },
  attention: { qkvBias: 'attentionBias', oBias: 'attentionBias', headNorms: false, windows: 'none' },
  mlp: { bias: 'mlpBias' },
  knows: [],
  defaults: {},
};
