import type { Family } from './family.ts';
import { mixtral } from './mixtral.ts';

/** DBRX: Mixtral's experts in stacked tensors; layer norms without biases; q, k and v in one tensor, and clamped. */
export const dbrx: Family = {
  ...{ name: 'DbrxForCausalLM', layerNorms: 'withoutBias', epsilon: 1e-5, mlp: { bias: 'never' } },
  tensors: { ...mixtral.tensors, mlp: { ...mixtral.tensors.mlp, up: 'experts.*.v1' } },
  source: {
    ...{ embedding: 'transformer.wte', layers: 'transformer.blocks', finalNorm: 'transformer.norm_f' },
    attention: { module: 'norm_attn_norm.attn', norm: 'norm_attn_norm.norm_1', o: 'out_proj' },
    mlp: {
      ...{ module: 'ffn', norm: 'norm_attn_norm.norm_2', router: 'router.layer' },
      ...{ gate: 'experts.mlp.w1', up: 'experts.mlp.v1', down: 'experts.mlp.w2' },
    },
    ...{ fused: { qkv: { name: 'Wqkv', order: 'qkv' } }, stackedExperts: true },
  },
  attention: { qkvBias: 'never', oBias: 'never', headNorms: false, windows: 'none' },
  keys: {
    ...{ hidden_size: 'd_model', num_hidden_layers: 'n_layers', num_attention_heads: 'n_heads' },
    ...{ num_key_value_heads: 'attn_config.kv_n_heads', intermediate_size: 'ffn_config.ffn_hidden_size' },
    ...{ num_local_experts: 'ffn_config.moe_num_experts', num_experts_per_tok: 'ffn_config.moe_top_k' },
    ...{ rope_theta: 'attn_config.rope_theta', hidden_act: 'ffn_config.ffn_act_fn.name' },
  },
  experts: {
    ...{ count: ['num_local_experts'], perToken: 'num_experts_per_tok', defaults: { count: 4, perToken: 1 } },
    normPower: 'ffn_config.moe_normalize_expert_weights',
  },
  ...{ clip: 'attn_config.clip_qkv', knows: ['attn_config', 'ffn_config', 'num_local_experts'] },
  defaults: { heads: 16, kvHeads: 1, inner: 3584 },
};
