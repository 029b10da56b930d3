import type { Family } from './family.ts';
import { llama } from './llama.ts';

/** Granite 3: Llama with factors on embeddings, residuals, scores and logits. */
export const granite: Family = {
  ...llama,
  name: 'GraniteForCausalLM',
  factors: {
    embedding: { key: 'embedding_multiplier' },
    residual: { key: 'residual_multiplier' },
    scores: { key: 'attention_multiplier' },
    logits: { key: 'logits_scaling', as: 'inverse' },
  },
  modelTypes: ['granite'],
  knows: ['embedding_multiplier', 'residual_multiplier', 'attention_multiplier', 'logits_scaling'],
};
