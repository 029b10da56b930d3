import type { Family } from './family.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import { qwen2 } from './qwen2.ts';
import { qwen3 } from './qwen3.ts';
import { yi } from './yi.ts';

/** Every supported family by its name in config.json. A new family is a new file and a line here. */
export const FAMILIES: ReadonlyMap<string, Family> = new Map(
  [llama, mistral, qwen2, qwen3, yi].map((family) => [family.name, family]),
);

/** By its name in config.json, where some write `LLaMAForCausalLM`. */
export function findFamily(name: string): Family | undefined {
  const lower = name.toLowerCase();
  return [...FAMILIES.values()].find((family) => family.name.toLowerCase() === lower);
}
