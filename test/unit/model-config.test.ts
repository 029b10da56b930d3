import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/model/config/config.ts';
import { InputError, UnsupportedError } from '../../src/util/errors.ts';

/** A small valid Llama; tests change single fields of it. */
const base = {
  architectures: ['LlamaForCausalLM'],
  hidden_size: 128,
  intermediate_size: 192,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 320,
  max_position_embeddings: 256,
};
const parse = (changes: object = {}, architecture = 'LlamaForCausalLM') =>
  parseConfig({ ...base, architectures: [architecture], ...changes });

describe('parseConfig', () => {
  test('takes over what is stated and fills in what transformers assumes', () => {
    expect(parse()).toMatchObject({
      architecture: 'LlamaForCausalLM',
      layers: 4,
      heads: 4,
      kvHeads: 2,
      headDim: 32,
      normEps: 1e-6,
      activation: 'silu',
      tiedEmbeddings: false,
      attentionBias: false,
      rope: { theta: 10000, positionFactor: 1, llama3: undefined },
      slidingWindows: [undefined, undefined, undefined, undefined],
    });
    expect(parse({ num_key_value_heads: null }).kvHeads).toBe(4);
    expect(parse({ head_dim: 48 }).headDim).toBe(48);
    expect(parse({}, 'Qwen3ForCausalLM').headDim).toBe(128);
    expect(parse({ hidden_act: 'gelu_pytorch_tanh' }).activation).toBe('gelu_tanh');
    expect(parse({ hidden_act: 'gelu' }).activation).toBe('gelu');
    expect(parse({ extra: 1 }).raw).toMatchObject({ extra: 1 });
    expect(parse({ tie_word_embeddings: true }).tiedEmbeddings).toBe(true);
  });

  test.each([
    ['hidden_size', undefined, /hidden_size is missing; expected an integer/],
    ['hidden_size', 0, /hidden_size is 0/],
    ['hidden_size', '128', /hidden_size is "128"/],
    ['vocab_size', 1.5, /vocab_size is 1.5/],
    ['num_hidden_layers', 1e9, /num_hidden_layers is 1000000000/],
    ['num_attention_heads', -4, /num_attention_heads is -4/],
    ['num_attention_heads', 6, /num_attention_heads is 6; expected a divisor of hidden_size \(128\)/],
    ['num_key_value_heads', 3, /num_key_value_heads is 3; expected a divisor of num_attention_heads \(4\)/],
    ['head_dim', 33, /head_dim is 33; expected a multiple of 4/],
    ['head_dim', 50, /head_dim is 50; expected a multiple of 4/],
    ['rms_norm_eps', Number.POSITIVE_INFINITY, /rms_norm_eps/],
    ['tie_word_embeddings', 'yes', /tie_word_embeddings is "yes"; expected true or false/],
    ['architectures', [], /architectures is \[\]; expected a list with one name/],
    ['architectures', 'LlamaForCausalLM', /architectures is "LlamaForCausalLM"; expected a list of strings/],
    ['rope_theta', 0, /rope_theta is 0/],
    ['rope_scaling', 'linear', /rope_scaling holds "linear"; expected a JSON object/],
    ['rope_scaling', { factor: 2 }, /rope_scaling: rope_type is missing; expected a name beside factor/],
    ['rope_scaling', { type: 'linear' }, /factor is missing; expected a positive number/],
  ])('refuses %s = %j', (name, value, message) => {
    const config = () => parse({ [name]: value });
    expect(config).toThrow(InputError);
    expect(config).toThrow(message);
  });

  test.each([
    [
      { architectures: ['DeepseekV3ForCausalLM'] },
      /DeepseekV3ForCausalLM is not supported, and ExLlamaV2 does not know it .*; .*LlamaForCausalLM, .*Qwen3/,
    ],
    [{ architectures: ['constructor'] }, /constructor is not supported/],
    [{ text_config: {} }, /multimodal wrapper/],
    [{ quantization_config: { quant_method: 'gptq' } }, /already quantized .*gptq/],
    [{ hidden_size: 80, head_dim: 32 }, /hidden_size is 80; EXL2 can only hold .* multiple of 32/],
    [{ intermediate_size: 100 }, /intermediate_size is 100/],
    [{ head_dim: 4 }, /num_attention_heads × head_dim is 16/],
    [{ head_dim: 8 }, /num_key_value_heads × head_dim is 16; .* multiple of 32/],
    [{ hidden_act: 'relu2' }, /hidden_act is "relu2"; supported: silu/],
    [
      { rope_scaling: { rope_type: 'proportional', factor: 2 } },
      /rope type "proportional"; supported .* linear, llama3/,
    ],
    [{ rope_parameters: { full_attention: { rope_theta: 1e6 } } }, /per layer type/],
    [{ partial_rotary_factor: 0.5 }, /partial_rotary_factor is 0.5/],
  ])('does not support %j', (changes, message) => {
    expect(() => parse(changes)).toThrow(UnsupportedError);
    expect(() => parse(changes)).toThrow(message);
  });

  test.each([null, [], 'text', 3, undefined])('refuses %j in place of an object', (json) => {
    expect(() => parseConfig(json)).toThrow(/config.json holds .*expected a JSON object/);
  });
});

test('the old name LLaMAForCausalLM is Llama', () => {
  expect(parse({}, 'LLaMAForCausalLM').architecture).toBe('LlamaForCausalLM');
});

test('a quantization_config with nothing in it is none', () => {
  for (const quantization_config of [{}, null]) expect(() => parse({ quantization_config })).not.toThrow();
});

describe('the context length', () => {
  const context = (keys: object) => parse({ max_position_embeddings: undefined, ...keys }).maxPositions;

  test('is where ExLlamaV2 looks for it, in its order, else 2048', () => {
    const keys = {
      n_positions: 5,
      max_seq_len: 4,
      max_position_embeddings: 3,
      model_max_length: 2,
      max_sequence_length: 1,
    };
    const left: Record<string, number> = { ...keys };
    for (const [key, length] of Object.entries(keys).reverse()) {
      expect(context(left)).toBe(length);
      delete left[key];
    }
    expect(context({})).toBe(2048);
    expect(context({ max_sequence_length: null, n_positions: 7 })).toBe(7);
  });

  test('is cut where a tool wrote a number without meaning, and refused where it is none', () => {
    for (const length of [1e30, Number.POSITIVE_INFINITY]) {
      expect(context({ model_max_length: length })).toBe(2 ** 24);
    }
    for (const length of [0, -1, '2048', Number.NaN]) {
      expect(() => context({ max_position_embeddings: length })).toThrow(InputError);
    }
  });
});

describe('keys that change the computation', () => {
  // Head size 32, hidden size 128, four layers, as `base` has them.
  test.each([
    { embedding_multiplier: 12 },
    { residual_multiplier: 0.22 },
    { logits_scaling: 8 },
    { attention_multiplier: 0.1 },
    { scale_emb: 12 },
    { scale_depth: 1.4 },
    { dim_model_base: 64 },
    { logit_scale: 0.0625 },
    { attn_logit_softcapping: 50 },
    { final_logit_softcapping: 30 },
    { query_pre_attn_scalar: 40 },
    { clip_qkv: 8 },
    { swiglu_limit: 7 },
    { rotary_pct: 0.25 },
    { rotary_dim: 16 },
    { rope_interleaved: true },
    { rotary_emb_base: 1e6 },
    { no_rope_layers: [1, 1, 1, 0] },
    { no_rope_layer_interval: 4 },
    { alibi: true },
    { position_embedding_type: 'alibi' },
    { layer_types: ['full_attention', 'full_attention', 'sliding_attention', 'full_attention'] },
    { attention_chunk_size: 8192 },
    { sliding_window_pattern: 'LLLG' },
    { use_qk_norm: true },
    { norm_head: 1 },
    { use_parallel_residual: true },
    { norm_type: 'layernorm' },
    { hidden_activation: 'gelu_pytorch_tanh' },
    { mlp_multipliers: [1, 0.5] },
    { num_local_experts: 8 },
    { attn_config: { clip_qkv: 8 } },
    { model_type: 'gemma' },
    { model_type: 'granite' },
  ])('that an architecture does not know are refused by name: %j', (changes) => {
    const [name] = Object.keys(changes);
    expect(() => parse(changes)).toThrow(UnsupportedError);
    expect(() => parse(changes)).toThrow(
      new RegExp(`asks for a computation that LlamaForCausalLM does not have: ${name} \\(`),
    );
  });

  test('are named together', () => {
    expect(() => parse({ logits_scaling: 8, embedding_multiplier: 12 })).toThrow(
      /embedding_multiplier \(12\), logits_scaling \(8\)\./,
    );
  });

  test.each([
    {
      embedding_multiplier: 1,
      residual_multiplier: 1.0,
      logits_scaling: null,
      attention_multiplier: 0.1767766952966369,
      scale_depth: 2,
      dim_model_base: 128,
      mlp_multipliers: [1, 1],
    },
    { attn_logit_softcapping: null, final_logit_softcapping: 0, query_pre_attn_scalar: 32, clip_qkv: null },
    {
      partial_rotary_factor: 1,
      rotary_pct: 1.0,
      rotary_dim: 32,
      rope_interleaved: false,
      rotary_emb_base: 10000,
    },
    {
      no_rope_layers: [1, 1, 1, 1],
      no_rope_layer_interval: null,
      alibi: false,
      position_embedding_type: 'rope',
    },
    { layer_types: ['full_attention', 'full_attention', 'full_attention', 'full_attention'] },
    { use_qk_norm: false, use_parallel_residual: false, norm_type: 'RMSNorm', hidden_activation: null },
    { num_local_experts: 0, num_experts: 1, attn_config: {}, scale_attn_weights: true, use_rope: true },
    { model_type: 'llama', pretraining_tp: 2, time_step_limit: [0, Number.POSITIVE_INFINITY] },
  ])('at values that change nothing are passed over: %j', (changes) => {
    expect(() => parse(changes)).not.toThrow();
  });

  test('are known where the architecture has them', () => {
    const types = {
      layer_types: ['sliding_attention', 'full_attention', 'full_attention', 'full_attention'],
    };
    const on = { use_sliding_window: true, sliding_window: 16 };
    expect(() => parse({ ...types, ...on }, 'Qwen2ForCausalLM')).not.toThrow();
    expect(() => parse({ ...types, sliding_window: 16 }, 'MistralForCausalLM')).toThrow(/layer_types/);
    expect(() => parse({ use_qk_norm: true }, 'Qwen3ForCausalLM')).not.toThrow();
    const sliding = Array(4).fill('sliding_attention');
    expect(() => parse({ layer_types: sliding, sliding_window: 16 }, 'MistralForCausalLM')).not.toThrow();
  });

  test('are compared with the model’s own rope base, whatever alpha is asked for', () => {
    const config = { ...base, rope_theta: 5e5, rope_base: 5e5 };
    expect(() => parseConfig(config, { ropeAlpha: 2 })).not.toThrow();
    expect(() => parseConfig({ ...config, rope_base: 1e4 })).toThrow(/rope_base \(10000\)/);
  });
});

describe('rope parameters', () => {
  const llama3 = { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 };

  test('are the same in the words of transformers 5 and before', () => {
    const before = parse({ rope_theta: 5e5, rope_scaling: { rope_type: 'llama3', ...llama3 } });
    const since = parse({ rope_parameters: { rope_type: 'llama3', rope_theta: 5e5, ...llama3 } });
    expect(since.rope).toEqual(before.rope);
    expect(since.rope).toMatchObject({ theta: 5e5, positionFactor: 1, llama3: { factor: 8, original: 64 } });
    const linear = {
      ...{ theta: 10000, positionFactor: 2, llama3: undefined, long: undefined },
      ...{ rotated: before.headDim, pairs: false },
    };
    expect(parse({ rope_scaling: { type: 'linear', factor: 2 } }).rope).toEqual(linear);
    expect(parse({ rope_parameters: { rope_type: 'linear', factor: 2 } }).rope).toEqual(linear);
  });

  test('of the dynamic kind are the default ones, within the context of the model', () => {
    const dynamic = parse({ rope_theta: 1e6, rope_scaling: { type: 'dynamic', factor: 2 } });
    expect(dynamic.rope).toEqual(parse({ rope_theta: 1e6 }).rope);
  });

  test('refuse a llama3 range that is empty or incomplete', () => {
    const scaling = { rope_type: 'llama3', ...llama3 };
    expect(() => parse({ rope_scaling: { ...scaling, high_freq_factor: 1 } })).toThrow(
      /more than low_freq_factor/,
    );
    expect(() => parse({ rope_scaling: { rope_type: 'llama3', factor: 8 } })).toThrow(
      /low_freq_factor is missing/,
    );
  });

  test('can be overridden as in ExLlamaV2: the linear factor is replaced, alpha raises theta', () => {
    const linear = { ...base, rope_scaling: { type: 'linear', factor: 2 } };
    expect(parseConfig(linear, { ropeScale: 4 }).rope.positionFactor).toBe(4);
    const { theta, positionFactor } = parseConfig(linear, { ropeAlpha: 2.5 }).rope;
    expect(theta).toBeCloseTo(10000 * 2.5 ** (32 / 30), 6);
    expect(positionFactor).toBe(2);
    expect(() => parseConfig(base, { ropeScale: 0 })).toThrow(/rope scale is 0; expected a positive number/);
    expect(() => parseConfig(base, { ropeAlpha: Number.NaN })).toThrow(InputError);
  });
});

describe('sliding windows', () => {
  test('of Mistral are on every layer unless sliding_window is null', () => {
    const windows = (changes: object) => parse(changes, 'MistralForCausalLM').slidingWindows;
    expect(windows({ sliding_window: 24 })).toEqual([24, 24, 24, 24]);
    expect(windows({})).toEqual([4096, 4096, 4096, 4096]);
    expect(windows({ sliding_window: null })).toEqual([undefined, undefined, undefined, undefined]);
    expect(() => windows({ sliding_window: 0 })).toThrow(/sliding_window is 0/);
  });

  test('of Qwen need use_sliding_window, and follow layer_types or max_window_layers', () => {
    const windows = (changes: object) =>
      parse({ sliding_window: 16, ...changes }, 'Qwen2ForCausalLM').slidingWindows;
    const on = { use_sliding_window: true };
    const [full, sliding] = ['full_attention', 'sliding_attention'];
    expect(windows({})).toEqual([undefined, undefined, undefined, undefined]);
    expect(windows({ ...on, max_window_layers: 3 })).toEqual([undefined, undefined, undefined, 16]);
    expect(windows({ ...on, max_window_layers: 0 })).toEqual([16, 16, 16, 16]);
    expect(windows(on)).toEqual([undefined, undefined, undefined, undefined]);
    expect(windows({ ...on, layer_types: [sliding, full, sliding, full] })).toEqual([
      16,
      undefined,
      16,
      undefined,
    ]);
    expect(() => windows({ ...on, layer_types: [full] })).toThrow(/layer_types .* expected 4 names/);
    expect(() => windows({ ...on, layer_types: [full, full, full, 'chunked_attention'] })).toThrow(
      InputError,
    );
    expect(() => windows({ layer_types: [full, full, full, sliding] })).toThrow(/use_sliding_window/);
  });
});
