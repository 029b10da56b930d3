import type { Family } from './family.ts';
import { mistral } from './mistral.ts';

/** Mistral Small 3.1 and later, which see: Mistral, with a Pixtral vision tower that is copied. */
export const mistral3: Family = {
  ...mistral,
  name: 'Mistral3ForConditionalGeneration',
  prefix: 'language_model.',
  copied: ['vision_tower.', 'multi_modal_projector.'],
  wraps: ['pixtral'],
};
