import type { Architecture } from './architecture.ts';
import { attention, gatedMlp } from './blocks.ts';

/** Llama 1 to 3.3 and the many models that took over its layout. */
export const llama: Architecture = {
  name: 'LlamaForCausalLM',
  modules: [
    attention({ qkvBias: 'attentionBias', oBias: 'attentionBias', headNorms: false }),
    gatedMlp('mlpBias'),
  ],
  windows: 'none',
  knows: [],
  defaults: { headDim: undefined, slidingWindow: undefined },
};
