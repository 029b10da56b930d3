import type { Family } from './family.ts';
import { gemma2 } from './gemma2.ts';

/** Gemma 3, which sees: Gemma 2 with norms of heads in place of caps, and another base where there is a window. */
export const gemma3: Family = {
  ...gemma2,
  name: 'Gemma3ForConditionalGeneration',
  prefix: 'language_model.',
  copied: ['vision_tower.', 'multi_modal_projector.'],
  renamed: { mm_input_projection_weight: 'mm_input_projection.weight' },
  wraps: ['siglip_vision_model'],
  attention: { ...gemma2.attention, headNorms: true },
  rope: { local: { key: 'rope_local_base_freq', absent: 10000 } },
  modelTypes: ['gemma3', 'gemma3_text'],
  knows: [...gemma2.knows, 'use_qk_norm', 'rope_local_base_freq'],
  defaults: {
    ...{ headDim: 256, heads: 8, kvHeads: 4, vocabSize: 262208, tied: true, normEps: 1e-6 },
    ...{ slidingWindow: 4096, windowPattern: 6, ropeTheta: 1e6, maxPositions: 131072 },
  },
};
