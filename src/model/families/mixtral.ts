import type { Family } from './family.ts';
import { llama } from './llama.ts';

/** Mixtral 8x7B and 8x22B: Llama with experts in place of each MLP, of which a token goes through two. */
export const mixtral: Family = {
  ...llama,
  name: 'MixtralForCausalLM',
  tensors: {
    ...llama.tensors,
    mlp: {
      ...{ module: 'block_sparse_moe', norm: 'post_attention_layernorm', router: 'gate' },
      ...{ gate: 'experts.*.w1', up: 'experts.*.w3', down: 'experts.*.w2' },
    },
  },
  attention: { ...llama.attention, windows: 'everyLayer' },
  experts: {
    ...{ count: ['num_local_experts', 'num_experts'], perToken: 'num_experts_per_tok' },
    defaults: { count: 8, perToken: 2 },
  },
  knows: ['num_local_experts', 'num_experts'],
  defaults: { ropeTheta: 1e6, kvHeads: 8, normEps: 1e-5 },
};
