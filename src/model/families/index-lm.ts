import type { Family } from './family.ts';
import { llama } from './llama.ts';

/** Index: Llama whose head has rows of length 1, where config.json says so. */
export const index: Family = {
  ...llama,
  name: 'IndexForCausalLM',
  modelTypes: ['index'],
  knows: ['norm_head'],
};
