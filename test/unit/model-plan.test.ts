import { beforeEach, describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/model/config/config.ts';
import { buildPlan } from '../../src/model/plan.ts';
import { moduleWeights, parameterCount, storedBytes } from '../../src/model/sizes.ts';
import type { DType, TensorInfo } from '../../src/tensor/dtype.ts';
import { InputError, UnsupportedError } from '../../src/util/errors.ts';

const config = parseConfig({
  architectures: ['LlamaForCausalLM'],
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  vocab_size: 50,
  max_position_embeddings: 256,
});
const tied = { ...config, tiedEmbeddings: true };

const SHAPES: Readonly<Record<string, readonly number[]>> = {
  'model.embed_tokens.weight': [50, 64],
  'model.layers.0.input_layernorm.weight': [64],
  'model.layers.0.self_attn.q_proj.weight': [64, 64],
  'model.layers.0.self_attn.k_proj.weight': [32, 64],
  'model.layers.0.self_attn.v_proj.weight': [32, 64],
  'model.layers.0.self_attn.o_proj.weight': [64, 64],
  'model.layers.0.post_attention_layernorm.weight': [64],
  'model.layers.0.mlp.gate_proj.weight': [96, 64],
  'model.layers.0.mlp.up_proj.weight': [96, 64],
  'model.layers.0.mlp.down_proj.weight': [64, 96],
  'model.norm.weight': [64],
  'lm_head.weight': [50, 64],
};

let tensors: Map<string, TensorInfo>;
const put = (name: string, shape: readonly number[], dtype: DType = 'BF16') =>
  tensors.set(name, { name, dtype, shape });

beforeEach(() => {
  tensors = new Map();
  for (const [name, shape] of Object.entries(SHAPES)) put(name, shape);
});

describe('buildPlan', () => {
  test('lists modules in order, with what each linear reads', () => {
    const { modules, head, unexpected } = buildPlan(config, tensors);
    expect(modules.map(({ mixer, key }) => [mixer.kind, key])).toEqual([
      ['attention', 'model.layers.0.self_attn'],
      ['mlp', 'model.layers.0.mlp'],
    ]);
    expect(modules.flatMap(({ linears }) => linears.map(({ name, input }) => `${name} ${input}`))).toEqual([
      'q_proj postNorm',
      'k_proj postNorm',
      'v_proj postNorm',
      'o_proj attnOutput',
      'gate_proj postNorm',
      'up_proj postNorm',
      'down_proj preDown',
    ]);
    expect(head).toMatchObject({ key: 'lm_head', k: 64, n: 50, weight: 'lm_head.weight' });
    expect(unexpected).toEqual([]);
  });

  test('takes the embedding for a tied head', () => {
    tensors.delete('lm_head.weight');
    expect(buildPlan(tied, tensors).head.weight).toBe('model.embed_tokens.weight');
    expect(() => buildPlan(config, tensors)).toThrow(
      /lm_head.weight \(50, 64\) \(tie_word_embeddings is false/,
    );
  });

  test('names tensors that it has no use for, but not rotary buffers', () => {
    put('model.layers.0.self_attn.rotary_emb.inv_freq', [16], 'F32');
    put('model.layers.0.self_attn.q_proj.bias', [64]);
    put('model.layers.1.input_layernorm.weight', [64]);
    expect(buildPlan(tied, tensors).unexpected).toEqual([
      'lm_head.weight',
      'model.layers.0.self_attn.q_proj.bias',
      'model.layers.1.input_layernorm.weight',
    ]);
  });

  test('reports missing tensors with their number', () => {
    tensors.delete('model.layers.0.mlp.up_proj.weight');
    expect(() => buildPlan(config, tensors)).toThrow(InputError);
    expect(() => buildPlan(config, tensors)).toThrow(
      /up_proj.weight \(96, 64\) is not in the model's safetensors; /,
    );
    tensors.clear();
    expect(() => buildPlan(config, tensors)).toThrow(/embed_tokens.weight .*, nor are 11 others/);
    expect(() => buildPlan({ ...config, attentionBias: true }, tensors)).toThrow(/nor are 15 others/);
  });

  test('refuses wrong shapes and dtypes, naming both', () => {
    put('model.layers.0.mlp.down_proj.weight', [96, 64]);
    const shape = /down_proj.weight has shape \(96, 64\); config.json makes it \(64, 96\)/;
    expect(() => buildPlan(config, tensors)).toThrow(shape);
    put('model.layers.0.mlp.down_proj.weight', [64, 96, 1]);
    expect(() => buildPlan(config, tensors)).toThrow(InputError);
    put('model.layers.0.mlp.down_proj.weight', [64, 96], 'F8_E4M3');
    expect(() => buildPlan(config, tensors)).toThrow(UnsupportedError);
    expect(() => buildPlan(config, tensors)).toThrow(
      /down_proj.weight has dtype F8_E4M3; expected F32, F16, BF16/,
    );
  });
});

describe('sizes', () => {
  test('of modules count the linears’ weights, of the model everything once', () => {
    const plan = buildPlan(config, tensors);
    const attention = plan.modules[0]!;
    expect(moduleWeights(attention)).toBe(64 * (64 + 32 + 32 + 64));
    const all = Object.values(SHAPES).reduce((sum, [n, k = 1]) => sum + n! * k, 0);
    expect(parameterCount(plan)).toBe(all);
    expect(parameterCount(buildPlan(tied, tensors))).toBe(all - 50 * 64);
    expect(storedBytes(plan)).toBe(2 * (50 * 64 + 3 * 64));
  });
});
