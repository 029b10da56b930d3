/** The two residual blocks that Llama and its descendants share. */

import type { BiasRule, ModuleLayout } from './architecture.ts';

export interface AttentionVariant {
  readonly qkvBias: BiasRule;
  readonly oBias: BiasRule;
  readonly headNorms: boolean;
}

export const attention = ({ qkvBias, oBias, headNorms }: AttentionVariant): ModuleLayout => ({
  kind: 'attention',
  name: 'self_attn',
  norm: 'input_layernorm',
  linears: [
    { name: 'q_proj', input: 'postNorm', k: 'hidden', n: 'queries', bias: qkvBias },
    { name: 'k_proj', input: 'postNorm', k: 'hidden', n: 'keyValues', bias: qkvBias },
    { name: 'v_proj', input: 'postNorm', k: 'hidden', n: 'keyValues', bias: qkvBias },
    { name: 'o_proj', input: 'attnOutput', k: 'queries', n: 'hidden', bias: oBias },
  ],
  headNorms,
});

export const gatedMlp = (bias: BiasRule): ModuleLayout => ({
  kind: 'mlp',
  name: 'mlp',
  norm: 'post_attention_layernorm',
  linears: [
    { name: 'gate_proj', input: 'postNorm', k: 'hidden', n: 'intermediate', bias },
    { name: 'up_proj', input: 'postNorm', k: 'hidden', n: 'intermediate', bias },
    { name: 'down_proj', input: 'preDown', k: 'intermediate', n: 'hidden', bias },
  ],
  headNorms: false,
});
