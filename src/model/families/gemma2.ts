import type { Family } from './family.ts';
import { gemma } from './gemma.ts';
import { llama } from './llama.ts';

/** Gemma 2: Gemma with norms of what blocks add, caps on scores and logits, and windows in every other layer. */
export const gemma2: Family = {
  ...gemma,
  name: 'Gemma2ForCausalLM',
  tensors: {
    ...llama.tensors,
    attention: { ...llama.tensors.attention, postNorm: 'post_attention_layernorm' },
    mlp: {
      ...llama.tensors.mlp,
      ...{ norm: 'pre_feedforward_layernorm', postNorm: 'post_feedforward_layernorm' },
    },
  },
  attention: { ...gemma.attention, windows: 'pattern' },
  factors: { ...gemma.factors, scores: { key: 'query_pre_attn_scalar', absent: 256, as: 'inverseSqrt' } },
  softcaps: { scores: 'attn_logit_softcapping', logits: 'final_logit_softcapping' },
  modelTypes: ['gemma2'],
  knows: [
    ...['hidden_activation', 'query_pre_attn_scalar', 'attn_logit_softcapping', 'final_logit_softcapping'],
    ...['layer_types', 'sliding_window_pattern', '_sliding_window_pattern'],
  ],
  defaults: { headDim: 256, tied: true, slidingWindow: 4096, windowPattern: 2 },
};
