import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/model/config/config.ts';
import { buildPlan, requirements } from '../../src/model/plan.ts';
import { resolveModel } from '../../src/model/resolve.ts';
import type { AttentionSpec } from '../../src/model/spec.ts';
import type { DType, TensorInfo } from '../../src/tensor/dtype.ts';
import { UnsupportedError } from '../../src/util/errors.ts';
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
    const odd = { head_dim: 32, partial_rotary_factor: 0.35 };
    expect(() => parse('Glm4ForCausalLM', odd)).toThrow(
      /0.35 of head_dim 32 are 11 values, which make no pairs/,
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

describe('models that see', () => {
  const text = { ...base, tie_word_embeddings: false };
  const wrapped = { text_config: text, vision_config: { hidden_size: 64 }, tie_word_embeddings: true };

  test('have the sizes of their language model, nested or not, and the outer word on tied embeddings', () => {
    const nested = parseConfig({ ...wrapped, architectures: ['Mistral3ForConditionalGeneration'] });
    expect(nested).toMatchObject({ hiddenSize: 128, layers: 4, tiedEmbeddings: true });
    const flat = parse('Qwen2VLForConditionalGeneration', {
      rope_scaling: { type: 'mrope', mrope_section: [4, 6, 6] },
    });
    expect(flat).toMatchObject({ hiddenSize: 128, rope: { theta: 10000, positionFactor: 1 } });
  });

  test('of other families stay refused, and so does mrope of a model that does not see', () => {
    expect(() => parseConfig({ ...wrapped, architectures: ['LlamaForCausalLM'] })).toThrow(
      /multimodal wrapper/,
    );
    expect(() => parse('Qwen2ForCausalLM', { rope_scaling: { type: 'mrope' } })).toThrow(/"mrope"/);
  });

  test('are refused with a vision tower that ExLlamaV2 does not load with their name, such as that of LLaVA 1.5', () => {
    const llava = (model_type: string) => () =>
      parseConfig({
        ...wrapped,
        vision_config: { model_type },
        architectures: ['LlavaForConditionalGeneration'],
      });
    expect(llava('pixtral')).not.toThrow();
    expect(llava('clip_vision_model')).toThrow(UnsupportedError);
    expect(llava('clip_vision_model')).toThrow(/vision tower of type clip_vision_model.*loads pixtral/);
  });

  test('have all names of Mistral 3 behind its prefix', () => {
    const model = resolveModel(
      parseConfig({ ...wrapped, architectures: ['Mistral3ForConditionalGeneration'] }),
    );
    expect(model.modules[0]!.key).toBe('language_model.model.layers.0.self_attn');
    expect(model.modules[0]!.norm.weight).toBe('language_model.model.layers.0.input_layernorm.weight');
    expect(model.head).toMatchObject({
      ...{ key: 'language_model.lm_head', weight: 'language_model.model.embed_tokens.weight' },
    });
  });

  test('keep the tensors of what sees, with their dtypes and under the names that ExLlamaV2 looks for', () => {
    const config = parse('Gemma3ForConditionalGeneration', { head_dim: 32 });
    const tensors = new Map<string, TensorInfo>();
    const put = (name: string, shape: readonly number[], dtype: DType = 'F16') =>
      tensors.set(name, { name, dtype, shape });
    for (const { name, shape } of requirements(resolveModel(config))) put(name, shape);
    put('vision_tower.vision_model.post_layernorm.weight', [3], 'F32');
    put('multi_modal_projector.mm_input_projection_weight', [5, 7], 'BF16');
    put('talker.weight', [2]);
    const plan = buildPlan(config, tensors);
    expect(plan.stored.slice(-2)).toEqual([
      {
        ...{ name: 'multi_modal_projector.mm_input_projection.weight', shape: [5, 7], dtype: 'BF16' },
        ...{ source: 'multi_modal_projector.mm_input_projection_weight', copies: undefined },
      },
      {
        ...{ name: 'vision_tower.vision_model.post_layernorm.weight', shape: [3], dtype: 'F32' },
        ...{ source: 'vision_tower.vision_model.post_layernorm.weight', copies: undefined },
      },
    ]);
    expect(plan.unexpected).toEqual(['talker.weight']);
  });

  test('rotate in Gemma 3 by another base where there is a window, without scaling', () => {
    const rope_scaling = { rope_type: 'linear', factor: 8 };
    const model = resolve('Gemma3ForConditionalGeneration', {
      head_dim: 32,
      num_hidden_layers: 6,
      rope_scaling,
    });
    expect([0, 5].map((layer) => attention(model, layer).rope)).toMatchObject([
      { theta: 10000, positionFactor: 1 },
      { theta: 1e6, positionFactor: 8 },
    ]);
    const since = { full_attention: { rope_theta: 5e5 }, sliding_attention: { rope_theta: 2e4 } };
    const newer = resolve('Gemma3ForConditionalGeneration', {
      head_dim: 32,
      num_hidden_layers: 6,
      rope_parameters: since,
    });
    expect([0, 5].map((layer) => attention(newer, layer).rope?.theta)).toEqual([2e4, 5e5]);
  });

  test('give ExLlamaV2 what it looks for under text_config', () => {
    const rope_parameters = { rope_type: 'default', rope_theta: 1e6, mrope_section: [4, 6, 6] };
    const config = {
      text_config: { ...base, rope_parameters },
      architectures: ['Qwen2_5_VLForConditionalGeneration'],
    };
    expect(outputConfig(parseConfig(config))['text_config']).toMatchObject({
      ...{ rope_theta: 1e6, rope_scaling: { type: 'mrope', mrope_section: [4, 6, 6] }, head_dim: 32 },
    });
  });
});
