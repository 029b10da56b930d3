import type { Architecture } from './architecture.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import { qwen2 } from './qwen2.ts';
import { qwen3 } from './qwen3.ts';

/** Every supported architecture by its name in config.json. A new family is a new file and a line here. */
export const ARCHITECTURES: ReadonlyMap<string, Architecture> = new Map(
  [llama, mistral, qwen2, qwen3].map((architecture) => [architecture.name, architecture]),
);

/** By its name in config.json, where some write `LLaMAForCausalLM`. */
export function findArchitecture(name: string): Architecture | undefined {
  const lower = name.toLowerCase();
  return [...ARCHITECTURES.values()].find((architecture) => architecture.name.toLowerCase() === lower);
}
