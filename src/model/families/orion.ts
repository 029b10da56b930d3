import type { Family } from './family.ts';
import { llama } from './llama.ts';

/** Orion: Llama with layer norms. */
export const orion: Family = { ...llama, name: 'OrionForCausalLM', layerNorms: true, modelTypes: ['orion'] };
