import { describe, expect, test } from 'vitest';
import { layerNumber } from '../../src/model/check/layer-number.ts';
import { openModel } from '../../src/model/check/open-model.ts';
import { parseConfig } from '../../src/model/config/config.ts';
import { weightNames } from '../../src/model/gpu/weights.ts';
import { resolveModel } from '../../src/model/resolve.ts';
import type { AttentionSpec, ExpertsSpec, ModelSpec } from '../../src/model/spec.ts';
import { InputError, UnsupportedError } from '../../src/util/errors.ts';
import { outputConfig } from '../../src/write/output-config.ts';
import { DBRX_CONFIG, stackedModel } from '../support/beside-models.ts';
import { put, randomHalves } from '../support/odd-models.ts';

/** The tests' config.json with changes, those of `attn_config` and `ffn_config` within them. */
const changed = ({
  attn_config = {},
  ffn_config = {},
  ...more
}: Readonly<Record<string, unknown>> & { attn_config?: object | null; ffn_config?: object | null }) => ({
  ...{ ...DBRX_CONFIG, ...more },
  attn_config: attn_config && { ...DBRX_CONFIG.attn_config, ...attn_config },
  ffn_config: ffn_config && { ...DBRX_CONFIG.ffn_config, ...ffn_config },
});
const parse = (changes: Parameters<typeof changed>[0] = {}) => parseConfig(changed(changes));

const attention = ({ modules }: ModelSpec) => modules[0]!.mixer as AttentionSpec;
const experts = ({ modules }: ModelSpec) =>
  modules.slice(1).flatMap(({ mixer }) => (mixer as ExpertsSpec).experts);

describe('config.json', () => {
  test('has keys within others, and what transformers assumes for those that are not said', () => {
    expect(parse()).toMatchObject({
      ...{
        hiddenSize: 64,
        intermediateSize: 96,
        layers: 1,
        heads: 2,
        kvHeads: 1,
        maxPositions: 256,
        clip: 1,
      },
      ...{ experts: { count: 5, perToken: 2, normalized: true }, activation: 'silu', normEps: 1e-5 },
      rope: { theta: 500000 },
    });
    const sparse = parse({
      attn_config: null,
      ffn_config: null,
      d_model: 512,
      n_heads: null,
      max_seq_len: null,
    });
    expect(sparse).toMatchObject({
      ...{ heads: 16, kvHeads: 1, intermediateSize: 3584, maxPositions: 2048, clip: undefined },
      ...{ experts: { count: 4, perToken: 1, normalized: true }, activation: 'silu' },
      rope: { theta: 10000 },
    });
    expect(parse({ ffn_config: { ffn_act_fn: { name: 'gelu' } } }).activation).toBe('gelu');
    expect(parse({ rms_norm_eps: 1e-3 }).normEps).toBe(1e-5);
  });

  test('says by which norm the weights of experts are divided: 1, their sum, or none', () => {
    const normalized = (moe_normalize_expert_weights: unknown) =>
      parse({ ffn_config: { moe_normalize_expert_weights } }).experts!.normalized;
    expect([normalized(undefined), normalized(1), normalized(null)]).toEqual([true, true, false]);
    expect(() => normalized(2)).toThrow(UnsupportedError);
    expect(() => normalized(2)).toThrow(/ffn_config.moe_normalize_expert_weights is 2; .*\(1\).*\(null\)/);
    expect(() => normalized('yes')).toThrow(/moe_normalize_expert_weights is "yes"; expected a number/);
  });

  test.each([
    [{ attn_config: { kv_n_heads: 3 } }, /config.json: attn_config.kv_n_heads is 3; expected a divisor/],
    [{ attn_config: { clip_qkv: 0 } }, /config.json: attn_config.clip_qkv is 0; expected a number/],
    [{ ffn_config: { moe_top_k: 6 } }, /ffn_config.moe_top_k is 6; expected an integer from 1 to 5/],
    [
      { ffn_config: { ffn_act_fn: 'silu' } },
      /config.json: ffn_config: ffn_act_fn holds "silu"; expected a JSON/,
    ],
    [{ d_model: null }, /d_model is null; expected an integer/],
    [
      { rope_parameters: { rope_theta: 10000 } },
      /rope_parameters: rope_theta is 10000; expected 500000, as attn_/,
    ],
  ])('is refused with %j', (changes, message) => {
    expect(() => parse(changes)).toThrow(InputError);
    expect(() => parse(changes)).toThrow(message);
  });

  test.each([
    [{ ffn_config: { ffn_hidden_size: 100 } }, /ffn_config.ffn_hidden_size is 100; EXL2 can only hold/],
    [{ clip_qkv: 8 }, /clip_qkv \(8\)/],
  ])('is not supported with %j', (changes, message) => {
    expect(() => parse(changes)).toThrow(UnsupportedError);
    expect(() => parse(changes)).toThrow(message);
  });

  test('leaves ExLlamaV2 nothing to guess', () => {
    expect(outputConfig(parse({ ffn_config: { moe_top_k: undefined } }))).toEqual({
      ...changed({ attn_config: { kv_n_heads: 1 }, ffn_config: { moe_top_k: 1 } }),
      head_dim: 32,
    });
    expect(outputConfig(parse({ ffn_config: null }))['ffn_config']).toEqual({
      ...{ ffn_hidden_size: 3584, moe_num_experts: 4, moe_top_k: 1 },
    });
  });
});

test('the tensors have names of their own, norms and router too, and ExLlamaV2’s in the output', () => {
  const model = resolveModel(parse());
  const { q, v, o, qNorm, clip } = attention(model);
  expect([qNorm, clip]).toEqual([undefined, 1]);
  expect(q).toMatchObject({
    ...{ key: 'model.layers.0.self_attn.q_proj', bias: undefined },
    weight: 'transformer.blocks.0.norm_attn_norm.attn.Wqkv.weight',
  });
  expect(v.part).toEqual({ first: 96, run: 32, stride: 32, total: 128 });
  expect(o.weight).toBe('transformer.blocks.0.norm_attn_norm.attn.out_proj.weight');
  expect(model.stored.map(({ name, source }) => [name, source])).toEqual([
    ['model.embed_tokens.weight', 'transformer.wte.weight'],
    ['model.layers.0.input_layernorm.weight', 'transformer.blocks.0.norm_attn_norm.norm_1.weight'],
    ['model.layers.0.post_attention_layernorm.weight', 'transformer.blocks.0.norm_attn_norm.norm_2.weight'],
    ['model.layers.0.block_sparse_moe.gate.weight', 'transformer.blocks.0.ffn.router.layer.weight'],
    ['model.norm.weight', 'transformer.norm_f.weight'],
  ]);
  expect(model.finalNorm).toMatchObject({ kind: 'layer', bias: undefined, epsilon: 1e-5 });
  expect(layerNumber('transformer.blocks.12.ffn.experts.mlp.w1')).toBe(12);
});

test('each expert’s weights lie in a tensor of all', () => {
  const { gate, up, down } = experts(resolveModel(parse()))[2]!;
  const [rows, where] = [
    { first: 192, run: 96, stride: 96, total: 480 },
    'transformer.blocks.0.ffn.experts.mlp',
  ];
  const key = 'model.layers.0.block_sparse_moe.experts.2';
  expect([gate, up, down]).toMatchObject([
    { key: `${key}.w1`, paramsName: 'w1', weight: `${where}.w1`, part: rows, transposed: false },
    { key: `${key}.v1`, paramsName: 'w3', weight: `${where}.v1`, part: rows, transposed: false },
    { key: `${key}.w2`, paramsName: 'w2', weight: `${where}.w2`, part: undefined, transposed: true },
  ]);
  expect([gate!.inputs, down.inputs]).toEqual([undefined, { first: 192, total: 480 }]);
});

test('in an EXL2 model experts have tensors of their own', () => {
  const { up, down } = experts(resolveModel(parse(), true))[4]!;
  expect([up, down]).toMatchObject([
    { weight: 'model.layers.0.block_sparse_moe.experts.4.v1.weight', part: undefined, inputs: undefined },
    { weight: 'model.layers.0.block_sparse_moe.experts.4.w2.weight', transposed: false, inputs: undefined },
  ]);
});

test('tensors are read ahead where their module needs the whole of them', () => {
  const { modules } = resolveModel(parse());
  expect(modules.map(weightNames)).toEqual([
    [
      'transformer.blocks.0.norm_attn_norm.attn.Wqkv',
      'transformer.blocks.0.norm_attn_norm.attn.out_proj',
    ].map((name) => `${name}.weight`),
    ...[[], [], []],
  ]);
  const single = resolveModel(parse({ n_heads: 2, ffn_config: { moe_num_experts: 2 } }));
  expect(weightNames(single.modules[1])).toEqual(
    ['w1', 'v1', 'w2'].map((name) => `transformer.blocks.0.ffn.experts.mlp.${name}`),
  );
});

test('a stacked tensor of another number of experts is refused', async () => {
  const name = 'transformer.blocks.0.ffn.experts.mlp.w2';
  const model = await stackedModel((each) => put(each, randomHalves(name, [4 * 96, 64], 1, 0.1)));
  await expect(openModel(model, {})).rejects.toThrow(
    `tensor ${name} has shape (384, 64); config.json makes it (480, 64)`,
  );
});
