import type { Family } from './family.ts';
import { qwen2Vl } from './qwen2-vl.ts';

/** Qwen2.5-VL. */
export const qwen25Vl: Family = {
  ...qwen2Vl,
  name: 'Qwen2_5_VLForConditionalGeneration',
  wraps: ['qwen2_5_vl', 'qwen2_5_vl_vision'],
};
