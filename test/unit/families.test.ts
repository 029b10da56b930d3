import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/model/config/config.ts';
import { buildPlan, requirements } from '../../src/model/plan.ts';
import { resolveModel } from '../../src/model/resolve.ts';
import { storedOf } from '../../src/model/resolve-norms.ts';
import type { AttentionSpec, NormSpec } from '../../src/model/spec.ts';
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

describe('GPT-2', () => {
  const sizes = { n_embd: 64, n_head: 2, n_layer: 2, n_positions: 96, vocab_size: 320 };
  const gpt = (architecture: string, more: object = {}) =>
    parseConfig({ architectures: [architecture], ...sizes, ...more });

  test('has keys and names of its own, the usual ones in the output, and defaults for what is not said', () => {
    const config = gpt('GPT2LMHeadModel', { model_type: 'gpt2', layer_norm_epsilon: 1e-4, n_inner: null });
    expect(config).toMatchObject({
      ...{ hiddenSize: 64, heads: 2, kvHeads: 2, headDim: 32, layers: 2, intermediateSize: 256 },
      ...{ maxPositions: 96, normEps: 1e-4, activation: 'gelu_tanh', tiedEmbeddings: true },
    });
    const model = resolveModel(config, false, 'transformer.');
    expect(model).toMatchObject({
      ...{ embedding: 'transformer.wte.weight', positions: 'transformer.wpe.weight' },
      finalNorm: { key: 'model.norm', weight: 'transformer.ln_f.weight', bias: 'transformer.ln_f.bias' },
      head: { key: 'lm_head', weight: 'transformer.wte.weight', transposed: false },
    });
    const { q, k, o, rope } = attention(model, 1);
    expect(rope).toBeUndefined();
    expect(q).toMatchObject({
      ...{ key: 'model.layers.1.self_attn.q_proj', weight: 'transformer.h.1.attn.c_attn.weight' },
      ...{ bias: 'transformer.h.1.attn.c_attn.bias', transposed: true },
    });
    expect(k.part).toEqual({ first: 64, run: 64, stride: 64, total: 192 });
    expect(o).toMatchObject({
      key: 'model.layers.1.self_attn.o_proj',
      weight: 'transformer.h.1.attn.c_proj.weight',
    });
    expect(model.modules[1]!.linears.map(({ key }) => key)).toEqual([
      ...['model.layers.0.mlp.c_fc', 'model.layers.0.mlp.c_proj'],
    ]);
    expect(requirements(model).find(({ name }) => name.endsWith('c_attn.weight'))!.shape).toEqual([64, 192]);
    expect(resolveModel(config).modules[0]!.norm.weight).toBe('h.0.ln_1.weight');
  });

  test('in an EXL2 model has the names of the output', () => {
    const model = resolveModel(gpt('GPT2LMHeadModel'), true);
    expect(model).toMatchObject({ embedding: 'model.embed_tokens.weight', positions: 'model.wpe.weight' });
    expect(attention(model).q).toMatchObject({
      ...{ weight: 'model.layers.0.self_attn.q_proj.weight', part: undefined, transposed: false },
    });
  });

  test('as BigCode has one key/value head, and weights as others have them', () => {
    const config = gpt('GPTBigCodeForCausalLM', { model_type: 'gpt_bigcode', multi_query: true });
    expect(config).toMatchObject({ kvHeads: 1, intermediateSize: 256 });
    const { q, v } = attention(resolveModel(config));
    expect(q.transposed).toBe(false);
    expect(v.part).toEqual({ first: 96, run: 32, stride: 32, total: 128 });
    expect(() => gpt('GPTBigCodeForCausalLM', { multi_query: false })).toThrow(UnsupportedError);
    expect(() => gpt('GPTBigCodeForCausalLM', { multi_query: false })).toThrow(/multi_query \(false\)/);
  });

  test('is refused with what ExLlamaV2 does not compute, by the names in its config.json', () => {
    const scaled = { scale_attn_by_inverse_layer_idx: true };
    expect(() => gpt('GPT2LMHeadModel', scaled)).toThrow(/scale_attn_by_inverse_layer_idx \(true\)/);
    expect(() => gpt('GPT2LMHeadModel', { activation_function: 'relu' })).toThrow(
      /activation_function is "relu"/,
    );
    expect(() => gpt('GPT2LMHeadModel', { n_embd: 'wide' })).toThrow(/n_embd is "wide"/);
    expect(() => gpt('GPT2LMHeadModel', { n_embd: undefined })).toThrow(/n_embd is missing/);
    expect(() => parse('LlamaForCausalLM', { activation_function: 'gelu_new' })).toThrow(UnsupportedError);
  });

  test('leaves ExLlamaV2 nothing to guess', () => {
    const written = outputConfig(gpt('GPTBigCodeForCausalLM', { n_positions: undefined, n_inner: null }));
    expect(written).toMatchObject({ n_inner: 256, n_positions: 1024, layer_norm_epsilon: 1e-5 });
    const stated = outputConfig(gpt('GPT2LMHeadModel', { n_inner: 128 }));
    expect(stated).toMatchObject({ n_inner: 128, n_positions: 96 });
    expect(stated).not.toHaveProperty('intermediate_size');
  });
});

test('Index normalizes the rows of its head where config.json says so, and not those of an EXL2 model', () => {
  const head = (norm_head: unknown, stored = false) =>
    resolveModel(parse('IndexForCausalLM', { norm_head, model_type: 'index' }), stored).head.normalized;
  expect([head(1), head(true), head(0), head(undefined), head(1, true)]).toEqual([
    ...[true, true, false, false, false],
  ]);
  expect(() => head(2)).toThrow(/norm_head is 2; expected 0 or 1/);
  expect(() => parse('LlamaForCausalLM', { norm_head: 1 })).toThrow(/norm_head \(1\)/);
});

test('norms of heads with weights of their own are one tensor, as it is stored', () => {
  const norm: NormSpec = {
    ...{ key: 'a', weight: 'b.weight', bias: undefined, size: 32, heads: 4 },
    ...{ epsilon: 1e-5, offset: 0, kind: 'layer' },
  };
  const model = resolve('Qwen3ForCausalLM', { head_dim: 32 });
  const [module] = model.modules;
  const own = { ...module!, mixer: { ...attention(model), qNorm: norm } };
  const stored = storedOf(own);
  expect(stored.find(({ name }) => name === 'a.weight')).toMatchObject({
    ...{ source: 'b.weight', shape: [4, 32], copies: undefined },
  });
  expect(stored.at(-1)).toMatchObject({ shape: [2, 32], copies: 2 });
  expect(requirements({ ...model, modules: [own] })).toContainEqual({ name: 'b.weight', shape: [4, 32] });
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

  test('are what Gemma 3 without eyes is called as, by its name and those of its tensors', () => {
    const config = parse('Gemma3ForCausalLM', { head_dim: 32, model_type: 'gemma3_text' });
    const model = resolveModel(config);
    expect(model.modules[0]!.norm.weight).toBe('model.layers.0.input_layernorm.weight');
    expect(model.modules[0]!.linears[0]).toMatchObject({
      key: 'language_model.model.layers.0.self_attn.q_proj',
      weight: 'model.layers.0.self_attn.q_proj.weight',
    });
    expect(model.head).toMatchObject({
      key: 'language_model.lm_head',
      weight: 'model.embed_tokens.weight',
    });
    expect(outputConfig(config)).toMatchObject({ architectures: ['Gemma3ForConditionalGeneration'] });
    const tensors = new Map(
      requirements(model).map(({ name, shape }) => [name, { name, dtype: 'F16', shape } as TensorInfo]),
    );
    const { stored, unexpected } = buildPlan(config, tensors);
    expect(unexpected).toEqual([]);
    expect(stored.every(({ name }) => name.startsWith('language_model.'))).toBe(true);
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
