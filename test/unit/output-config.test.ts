import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/model/config/config.ts';
import { outputConfig } from '../../src/write/output-config.ts';

const base = {
  architectures: ['LlamaForCausalLM'],
  hidden_size: 128,
  intermediate_size: 192,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 320,
  max_position_embeddings: 256,
  head_dim: 32,
  rms_norm_eps: 1e-5,
};
const written = (changes: object) => outputConfig(parseConfig({ ...base, ...changes }));

const LLAMA3 = {
  ...{ factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 },
};

describe('what ExLlamaV2 reads of config.json', () => {
  test('stays as it is where it is there', () => {
    const old = { ...base, rope_theta: 500000, rope_scaling: { rope_type: 'llama3', ...LLAMA3 }, extra: [1] };
    expect(outputConfig(parseConfig(old))).toEqual(old);
    const linear = { ...base, rope_scaling: { type: 'linear', factor: 2 } };
    expect(outputConfig(parseConfig(linear))).toEqual(linear);
    expect(written({})).toEqual(base);
  });

  test.each([
    ['default', { rope_type: 'default', rope_theta: 1e6 }, { rope_theta: 1e6, rope_scaling: null }],
    [
      'llama3',
      { rope_type: 'llama3', rope_theta: 500000, ...LLAMA3 },
      { rope_theta: 500000, rope_scaling: { rope_type: 'llama3', ...LLAMA3 } },
    ],
    [
      'linear',
      { rope_type: 'linear', rope_theta: 10000, factor: 4 },
      { rope_theta: 10000, rope_scaling: { type: 'linear', factor: 4 } },
    ],
  ])('is found where transformers 5 has %s rope_parameters, which stay', (_, rope_parameters, expected) => {
    expect(written({ rope_parameters })).toEqual({ ...base, rope_parameters, ...expected });
  });

  test.each([
    [
      { type: 'linear', rope_type: 'linear', factor: 4 },
      { type: 'linear', factor: 4 },
    ],
    [
      { rope_type: 'linear', factor: 4 },
      { type: 'linear', factor: 4 },
    ],
    [
      { type: 'llama3', ...LLAMA3 },
      { rope_type: 'llama3', ...LLAMA3 },
    ],
    [{ type: 'default', rope_type: 'default' }, null],
  ])('rope_scaling %j has one name of its kind, the one that is looked for', (rope_scaling, expected) => {
    expect(written({ rope_scaling })).toEqual({ ...base, rope_scaling: expected });
  });

  test('is filled in where it is left out', () => {
    const { head_dim: _, rms_norm_eps: __, ...sparse } = base;
    expect(outputConfig(parseConfig({ ...sparse, head_dim: null }))).toMatchObject({
      ...{ head_dim: 32, rms_norm_eps: 1e-6 },
    });
    const qwen3 = { ...sparse, architectures: ['Qwen3ForCausalLM'] };
    expect(outputConfig(parseConfig(qwen3))).toMatchObject({ head_dim: 128 });
  });
});

test('the architecture has its usual name there', () => {
  expect(written({ architectures: ['LLaMAForCausalLM'] })).toMatchObject({
    architectures: ['LlamaForCausalLM'],
  });
});
