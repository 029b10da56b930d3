import type { Architecture } from './architecture.ts';
import { attention, gatedMlp } from './blocks.ts';

/** Qwen 2 and 2.5: always biases on q, k and v, never on o. */
export const qwen2: Architecture = {
  name: 'Qwen2ForCausalLM',
  modules: [attention({ qkvBias: 'always', oBias: 'never', headNorms: false }), gatedMlp('never')],
  windows: 'layerTypes',
  knows: ['layer_types'],
  defaults: { headDim: undefined, slidingWindow: 4096 },
};
