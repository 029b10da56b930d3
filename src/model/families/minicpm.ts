import type { Family } from './family.ts';
import { llama } from './llama.ts';

/** MiniCPM 1 and 2: Llama with factors that keep its training alike over sizes. */
export const minicpm: Family = {
  ...llama,
  name: 'MiniCPMForCausalLM',
  factors: {
    embedding: { key: 'scale_emb' },
    residual: { key: 'scale_depth', as: 'overSqrtLayers' },
    logits: { key: 'dim_model_base', as: 'overHidden' },
  },
  modelTypes: ['minicpm'],
  knows: ['scale_emb', 'scale_depth', 'dim_model_base'],
};
