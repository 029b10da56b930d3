import type { Family } from './family.ts';
import { gemma3 } from './gemma3.ts';

/** Gemma 3 without eyes. ExLlamaV2 knows it by the other's name and names of tensors alone, and needs no vision part. */
export const gemma3Text: Family = {
  ...gemma3,
  name: 'Gemma3ForCausalLM',
  writtenAs: gemma3.name,
  source: {
    embedding: 'model.embed_tokens',
    finalNorm: 'model.norm',
    layers: 'model.layers',
    head: 'lm_head',
  },
  wraps: undefined,
  copied: [],
  modelTypes: ['gemma3_text'],
};
