import type { Family } from './family.ts';
import { llama } from './llama.ts';

/** GPT-2: learned positions, layer norms, biases everywhere, q, k and v in one tensor, weights as (inputs, outputs). */
export const gpt2: Family = {
  name: 'GPT2LMHeadModel',
  tensors: {
    ...{ ...llama.tensors, positions: 'model.wpe' },
    attention: { ...llama.tensors.attention, norm: 'ln_1' },
    mlp: { module: 'mlp', norm: 'ln_2', up: 'c_fc', down: 'c_proj' },
  },
  source: {
    ...{ prefix: 'transformer.', embedding: 'wte', positions: 'wpe', layers: 'h', finalNorm: 'ln_f' },
    attention: { module: 'attn', o: 'c_proj' },
    ...{ fused: { qkv: { name: 'c_attn', order: 'qkv' } }, transposed: true },
  },
  attention: { qkvBias: 'always', oBias: 'always', headNorms: false, windows: 'none' },
  mlp: { bias: 'always' },
  layerNorms: true,
  keys: {
    ...{ hidden_size: 'n_embd', num_hidden_layers: 'n_layer', num_attention_heads: 'n_head' },
    ...{ intermediate_size: 'n_inner', max_position_embeddings: 'n_positions' },
    hidden_act: 'activation_function',
  },
  epsilonKeys: { source: 'layer_norm_epsilon', written: 'layer_norm_epsilon' },
  ...{ modelTypes: ['gpt2'], knows: ['activation_function'] },
  defaults: { tied: true, normEps: 1e-5, activation: 'gelu_tanh', innerFactor: 4, maxPositions: 1024 },
};
