import type { Family } from './family.ts';
import { llama } from './llama.ts';

/** InternLM 2 and 2.5: Llama under other names, q, k and v in one tensor; the output has ExLlamaV2's names. */
export const internlm2: Family = {
  ...llama,
  name: 'InternLM2ForCausalLM',
  tensors: {
    ...llama.tensors,
    attention: { ...llama.tensors.attention, norm: 'attention_norm' },
    mlp: { module: 'feed_forward', norm: 'ffn_norm', gate: 'w1', up: 'w3', down: 'w2' },
  },
  source: {
    ...{ embedding: 'model.tok_embeddings', head: 'output' },
    attention: { module: 'attention', o: 'wo' },
    fused: { qkv: { name: 'wqkv', order: 'perKvHead' } },
  },
};
