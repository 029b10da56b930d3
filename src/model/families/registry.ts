import { cohere } from './cohere.ts';
import { cohere2 } from './cohere2.ts';
import { dbrx } from './dbrx.ts';
import type { Family } from './family.ts';
import { gemma } from './gemma.ts';
import { gemma2 } from './gemma2.ts';
import { gemma3 } from './gemma3.ts';
import { gemma3Text } from './gemma3-text.ts';
import { gemmoe } from './gemmoe.ts';
import { glm4 } from './glm4.ts';
import { gptBigCode } from './gpt-bigcode.ts';
import { gpt2 } from './gpt2.ts';
import { granite } from './granite.ts';
import { index } from './index-lm.ts';
import { internlm2 } from './internlm2.ts';
import { llama } from './llama.ts';
import { minicpm } from './minicpm.ts';
import { mistral } from './mistral.ts';
import { mistral3 } from './mistral3.ts';
import { mixtral } from './mixtral.ts';
import { orion } from './orion.ts';
import { phi3 } from './phi3.ts';
import { pixtral } from './pixtral.ts';
import { qwen25Vl } from './qwen2.5-vl.ts';
import { qwen2 } from './qwen2.ts';
import { qwen2Vl } from './qwen2-vl.ts';
import { qwen3 } from './qwen3.ts';
import { qwen3Moe } from './qwen3-moe.ts';
import { starcoder2 } from './starcoder2.ts';
import { yi } from './yi.ts';

/**
 * Every supported family by its name in config.json; ExLlamaV2 0.3.2 loads no others, but takes them for Llama, with a
 * warning. A new family is a new file and a line here.
 */
export const FAMILIES: ReadonlyMap<string, Family> = new Map(
  [
    llama,
    mistral,
    qwen2,
    qwen3,
    yi,
    granite,
    minicpm,
    internlm2,
    phi3,
    gemma,
    gemma2,
    gemma3,
    gemma3Text,
    glm4,
    orion,
    starcoder2,
    gpt2,
    gptBigCode,
    index,
    mistral3,
    pixtral,
    qwen2Vl,
    qwen25Vl,
    mixtral,
    qwen3Moe,
    gemmoe,
    cohere,
    cohere2,
    dbrx,
  ].map((family) => [family.name, family]),
);

/** By its name in config.json, where some write `LLaMAForCausalLM`. */
export function findFamily(name: string): Family | undefined {
  const lower = name.toLowerCase();
  return [...FAMILIES.values()].find((family) => family.name.toLowerCase() === lower);
}
