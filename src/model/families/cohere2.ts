import { cohere } from './cohere.ts';
import type { Family } from './family.ts';

/** Command R7B and A: three layers with a window, in which alone heads are rotated, then one that sees all. */
export const cohere2: Family = {
  ...cohere,
  name: 'Cohere2ForCausalLM',
  attention: { ...cohere.attention, headNorms: false, windows: 'pattern' },
  rope: { pairs: true, windowsOnly: true },
  modelTypes: ['cohere2'],
  knows: ['logit_scale', 'layer_types', 'sliding_window_pattern', '_sliding_window_pattern'],
  defaults: { ...cohere.defaults, slidingWindow: 4096, windowPattern: 4 },
};
