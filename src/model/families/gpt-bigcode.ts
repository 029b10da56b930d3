import type { Family } from './family.ts';
import { gpt2 } from './gpt2.ts';

const { transposed: _, ...source } = gpt2.source!;

/** GPT-BigCode (SantaCoder, StarCoder 1): GPT-2 with one key/value head, and weights as (outputs, inputs). */
export const gptBigCode: Family = {
  ...gpt2,
  name: 'GPTBigCodeForCausalLM',
  source,
  modelTypes: ['gpt_bigcode'],
  defaults: { ...gpt2.defaults, kvHeads: 1 },
};
