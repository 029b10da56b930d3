import type { Family } from './family.ts';
import { qwen2 } from './qwen2.ts';

/** Qwen2-VL: Qwen2, whose positions of text are in all three parts the same, with a vision tower that is copied. */
export const qwen2Vl: Family = {
  ...qwen2,
  name: 'Qwen2VLForConditionalGeneration',
  copied: ['visual.'],
  wraps: ['qwen2_vl', 'qwen2_vl_vision'],
  rope: { types: ['mrope'] },
};
