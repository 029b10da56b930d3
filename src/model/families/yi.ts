import type { Family } from './family.ts';
import { llama } from './llama.ts';

/** Yi's first models: Llama with older names of the norms; later ones call themselves Llama. */
export const yi: Family = {
  ...llama,
  name: 'YiForCausalLM',
  tensors: {
    ...llama.tensors,
    attention: { ...llama.tensors.attention, norm: 'ln1' },
    mlp: { ...llama.tensors.mlp, norm: 'ln2' },
  },
};
