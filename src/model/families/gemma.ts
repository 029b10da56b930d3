import type { Family } from './family.ts';
import { llama } from './llama.ts';

/** Gemma 1: Llama with norms that add 1 to their weights, scaled embeddings, GELU, and the embedding for its head. */
export const gemma: Family = {
  ...llama,
  name: 'GemmaForCausalLM',
  mlp: { bias: 'never' },
  factors: { embedding: { as: 'timesSqrtHidden' } },
  normOffset: 1,
  activation: 'gelu_tanh',
  modelTypes: ['gemma'],
  knows: ['hidden_activation'],
  defaults: { headDim: 256, tied: true },
};
