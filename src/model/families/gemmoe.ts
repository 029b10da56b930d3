import type { Family } from './family.ts';
import { gemma } from './gemma.ts';
import { mixtral } from './mixtral.ts';

/** GemMoE: Gemma with Mixtral's experts. */
export const gemmoe: Family = {
  ...gemma,
  name: 'GemmoeForCausalLM',
  tensors: mixtral.tensors,
  experts: {
    ...{ count: ['num_local_experts', 'num_experts'], perToken: 'num_experts_per_tok' },
    defaults: { count: 8, perToken: 2 },
  },
  modelTypes: ['gemmoe'],
  knows: [...gemma.knows, 'num_local_experts', 'num_experts'],
};
