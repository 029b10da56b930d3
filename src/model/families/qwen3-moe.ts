import type { Family } from './family.ts';
import { qwen3 } from './qwen3.ts';

/** Qwen3-30B-A3B, 235B-A22B: Qwen 3 with many small experts in place of each MLP. */
export const qwen3Moe: Family = {
  ...qwen3,
  name: 'Qwen3MoeForCausalLM',
  tensors: {
    ...qwen3.tensors,
    mlp: {
      ...{ module: 'mlp', norm: 'post_attention_layernorm', router: 'gate' },
      ...{ gate: 'experts.*.gate_proj', up: 'experts.*.up_proj', down: 'experts.*.down_proj' },
    },
  },
  experts: {
    ...{ count: ['num_local_experts', 'num_experts'], perToken: 'num_experts_per_tok' },
    ...{ width: 'moe_intermediate_size', normalized: 'norm_topk_prob' },
    defaults: { count: 128, perToken: 8 },
  },
  knows: [...qwen3.knows, 'num_local_experts', 'num_experts'],
};
