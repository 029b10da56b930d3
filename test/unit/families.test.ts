import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/model/config/config.ts';
import { resolveModel } from '../../src/model/resolve.ts';
import type { AttentionSpec } from '../../src/model/spec.ts';
import { outputConfig } from '../../src/write/output-config.ts';

const base = {
  ...{ hidden_size: 128, intermediate_size: 192, num_attention_heads: 4, num_key_value_heads: 2 },
  ...{ num_hidden_layers: 4, vocab_size: 320, max_position_embeddings: 256 },
};
const parse = (architecture: string, more: object = {}) =>
  parseConfig({ ...base, architectures: [architecture], ...more });
const resolve = (architecture: string, more: object = {}) => resolveModel(parse(architecture, more));
const attention = (model: ReturnType<typeof resolve>, layer = 0) =>
  model.modules[2 * layer]!.mixer as AttentionSpec;

describe('factors', () => {
  test('of Granite are its four numbers, on logits their inverse', () => {
    const numbers = { embedding_multiplier: 12, residual_multiplier: 0.22, attention_multiplier: 0.015625 };
    const model = resolve('GraniteForCausalLM', { ...numbers, logits_scaling: 8, model_type: 'granite' });
    expect(model).toMatchObject({ embeddingFactor: 12, logitFactor: 1 / 8 });
    expect(model.modules.map(({ residualFactor }) => residualFactor)).toEqual(Array(8).fill(0.22));
    expect(attention(model).scale).toBe(0.015625);
  });

  test('of MiniCPM follow from depth and width', () => {
    const model = resolve('MiniCPMForCausalLM', { scale_emb: 12, scale_depth: 1.4, dim_model_base: 32 });
    expect(model).toMatchObject({ embeddingFactor: 12, logitFactor: 32 / 128 });
    expect(model.modules[0]!.residualFactor).toBe(1.4 / 2);
    expect(attention(resolve('MiniCPMForCausalLM')).scale).toBe(1 / Math.sqrt(32));
  });

  test('of Gemma are the root of its width, and none on residuals', () => {
    const model = resolve('GemmaForCausalLM', { head_dim: 32 });
    expect(model.embeddingFactor).toBe(Math.sqrt(128));
    expect(model.modules[0]).toMatchObject({ residualFactor: 1, norm: { offset: 1 } });
    expect(model.head.weight).toBe('model.embed_tokens.weight');
  });
});

describe('fused tensors', () => {
  test('of Phi-3 have q, k and v after each other, and gate before up', () => {
    const { modules } = resolve('Phi3ForCausalLM');
    const parts = modules
      .slice(0, 2)
      .flatMap(({ linears }) => linears.map(({ name, part }) => [name, part?.first]));
    expect(parts).toEqual([
      ...[
        ['q_proj', 0],
        ['k_proj', 128],
        ['v_proj', 192],
        ['o_proj', undefined],
      ],
      ...[
        ['gate_proj', 0],
        ['up_proj', 192],
        ['down_proj', undefined],
      ],
    ]);
    expect(modules[0]!.linears.map(({ key }) => key.split('.').at(-1))).toEqual([
      'q_proj',
      'k_proj',
      'v_proj',
      'o_proj',
    ]);
  });

  test('of InternLM 2 have the queries of each key/value head, then its key and value', () => {
    const { q, k, v } = attention(resolve('InternLM2ForCausalLM'));
    expect([q, k, v].map(({ part }) => part)).toEqual([
      { first: 0, run: 64, stride: 128, total: 256 },
      { first: 64, run: 32, stride: 128, total: 256 },
      { first: 96, run: 32, stride: 128, total: 256 },
    ]);
    expect(q).toMatchObject({
      weight: 'model.layers.0.attention.wqkv.weight',
      key: 'model.layers.0.self_attn.q_proj',
    });
  });

  test('are apart in an EXL2 model, under the names that it has', () => {
    const model = resolveModel(parse('InternLM2ForCausalLM'), true);
    expect(attention(model).q).toMatchObject({
      weight: 'model.layers.0.self_attn.q_proj.weight',
      part: undefined,
    });
    expect(model.embedding).toBe('model.embed_tokens.weight');
  });
});

describe('rotation', () => {
  const factors = { long_factor: Array(16).fill(2), short_factor: Array(16).fill(1) };

  test('of Phi-3 takes the long factors for its whole context, and grows with it', () => {
    const rope_scaling = { type: 'longrope', ...factors };
    const { rope } = parse('Phi3ForCausalLM', { rope_scaling, original_max_position_embeddings: 64 });
    expect(rope.long).toEqual({
      factors: factors.long_factor,
      amplitude: Math.sqrt(1 + Math.log(4) / Math.log(64)),
    });
    const short = parse('Phi3ForCausalLM', { rope_scaling, original_max_position_embeddings: 256 });
    expect(short.rope.long).toEqual({ factors: factors.short_factor, amplitude: 1 });
  });

  test('with factors of another number than the head has pairs is refused', () => {
    const rope_scaling = { type: 'su', ...factors, long_factor: [1, 2] };
    expect(() => parse('Phi3ForCausalLM', { rope_scaling, original_max_position_embeddings: 64 })).toThrow(
      /long_factor is \[1,2\]; expected a list of 16 numbers/,
    );
  });

  test('of GLM-4 turns neighbours of half of each head; Llama has no such thing', () => {
    const { rope } = parse('Glm4ForCausalLM', { head_dim: 32 });
    expect(rope).toMatchObject({ rotated: 16, pairs: true });
    expect(() => parse('LlamaForCausalLM', { partial_rotary_factor: 0.5 })).toThrow(
      /partial_rotary_factor is 0.5/,
    );
  });
});

test('Gemma 2 has windows in every other layer, caps, and norms of what blocks add', () => {
  const caps = { attn_logit_softcapping: 50, final_logit_softcapping: 30, query_pre_attn_scalar: 64 };
  const model = resolve('Gemma2ForCausalLM', { head_dim: 32, sliding_window: 16, ...caps });
  expect([0, 1, 2, 3].map((layer) => attention(model, layer).window)).toEqual([16, undefined, 16, undefined]);
  expect(attention(model)).toMatchObject({ softcap: 50, scale: 1 / 8 });
  expect(model.logitSoftcap).toBe(30);
  expect(model.modules[1]!.postNorm!.weight).toBe('model.layers.0.post_feedforward_layernorm.weight');
});

test('StarCoder 2 has layer norms, biases and no gate; ExLlamaV2 finds its epsilon', () => {
  const model = resolve('Starcoder2ForCausalLM', { norm_epsilon: 1e-4, hidden_act: 'gelu_pytorch_tanh' });
  expect(
    model.modules[1]!.linears.map(({ key, bias }) => [key.split('.').at(-1), bias !== undefined]),
  ).toEqual([
    ['c_fc', true],
    ['c_proj', true],
  ]);
  expect(model.finalNorm).toMatchObject({ kind: 'layer', bias: 'model.norm.bias', epsilon: 1e-4 });
  expect(outputConfig(model.config)).toMatchObject({ layer_norm_epsilon: 1e-4 });
});
