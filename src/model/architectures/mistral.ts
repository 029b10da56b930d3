import type { Architecture } from './architecture.ts';
import { attention, gatedMlp } from './blocks.ts';

/** Mistral: Llama without biases, with a sliding window unless `sliding_window` is null. */
export const mistral: Architecture = {
  name: 'MistralForCausalLM',
  modules: [attention({ qkvBias: 'never', oBias: 'never', headNorms: false }), gatedMlp('never')],
  windows: 'everyLayer',
  knows: [],
  defaults: { headDim: undefined, slidingWindow: 4096 },
};
