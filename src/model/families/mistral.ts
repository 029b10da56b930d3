import type { Family } from './family.ts';
import { llama } from './llama.ts';

/** Mistral: Llama without biases, with a sliding window unless `sliding_window` is null. */
export const mistral: Family = {
  ...llama,
  name: 'MistralForCausalLM',
  attention: { qkvBias: 'never', oBias: 'never', headNorms: false, windows: 'everyLayer' },
  mlp: { bias: 'never' },
  defaults: { slidingWindow: 4096 },
};
