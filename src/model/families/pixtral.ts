import type { Family } from './family.ts';
import { mistral3 } from './mistral3.ts';

/** Pixtral 12B as Hugging Face has it. ExLlamaV2 takes Llava's name for no other vision tower. */
export const pixtral: Family = { ...mistral3, name: 'LlavaForConditionalGeneration' };
