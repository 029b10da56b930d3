/** Models whose layers have modules beside each other. */

import type { ReadableDirectory } from '../../src/io/bytes.ts';
import { type OddModel, oddModel, put, randomHalves } from './odd-models.ts';

const [HIDDEN, HEADS, INNER, VOCABULARY] = [64, 2, 96, 320];

const SIZES = {
  ...{ hidden_size: HIDDEN, intermediate_size: INNER, num_attention_heads: HEADS, num_key_value_heads: 1 },
  ...{ num_hidden_layers: 1, vocab_size: VOCABULARY, max_position_embeddings: 256 },
  ...{ bos_token_id: 1, eos_token_id: 2 },
};

const ATTENTION = {
  'self_attn.q_proj.weight': [HIDDEN, HIDDEN],
  'self_attn.k_proj.weight': [HIDDEN / HEADS, HIDDEN],
  'self_attn.v_proj.weight': [HIDDEN / HEADS, HIDDEN],
  'self_attn.o_proj.weight': [HIDDEN, HIDDEN],
};

type Shapes = Readonly<Record<string, readonly number[]>>;

const inside = (prefix: string, shapes: Shapes): Shapes =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [prefix + name, shape]));

/** Of a layer as most are called, with what is around it. */
const usualShapes = (layer: Shapes): Shapes => ({
  'model.embed_tokens.weight': [VOCABULARY, HIDDEN],
  'model.norm.weight': [HIDDEN],
  'lm_head.weight': [VOCABULARY, HIDDEN],
  ...inside('model.layers.0.', layer),
});

function randomModel(
  config: Record<string, unknown>,
  shapes: Shapes,
  change: (model: OddModel) => void = () => {},
  spread = 0.15,
): Promise<ReadableDirectory> {
  return oddModel((model) => {
    for (const key of Object.keys(model.config)) delete model.config[key];
    Object.assign(model.config, config);
    model.tensors.clear();
    for (const [seed, [name, shape]] of Object.entries(shapes).entries())
      put(model, randomHalves(name, shape, seed, shape.length === 1 ? 1 : spread));
    change(model);
  });
}

/** A random Llama of a layer whose weights and Hessians are some hundred kilobytes, and its head two megabytes. */
export function wideModel(): Promise<ReadableDirectory> {
  const [hidden, inner, vocabulary] = [288, 320, 2016];
  return randomModel(
    {
      ...{ ...SIZES, hidden_size: hidden, intermediate_size: inner, vocab_size: vocabulary },
      ...{ architectures: ['LlamaForCausalLM'], num_attention_heads: 9, num_key_value_heads: 3 },
    },
    {
      'model.embed_tokens.weight': [vocabulary, hidden],
      'model.norm.weight': [hidden],
      'lm_head.weight': [vocabulary, hidden],
      ...inside('model.layers.0.', {
        'input_layernorm.weight': [hidden],
        'self_attn.q_proj.weight': [hidden, hidden],
        'self_attn.k_proj.weight': [hidden / 3, hidden],
        'self_attn.v_proj.weight': [hidden / 3, hidden],
        'self_attn.o_proj.weight': [hidden, hidden],
        'post_attention_layernorm.weight': [hidden],
        'mlp.gate_proj.weight': [inner, hidden],
        'mlp.up_proj.weight': [inner, hidden],
        'mlp.down_proj.weight': [hidden, inner],
      }),
    },
    undefined,
    0.02,
  );
}

/** A random Mixtral of a layer with five experts: in three modules, as an expert has half the attention's weights. */
export function expertsModel(change: (model: OddModel) => void = () => {}): Promise<ReadableDirectory> {
  const experts = Array.from({ length: 5 }, (_, expert) => `block_sparse_moe.experts.${expert}`);
  const shapes = experts.flatMap((name) => [
    [`${name}.w1.weight`, [INNER, HIDDEN]] as const,
    [`${name}.w2.weight`, [HIDDEN, INNER]] as const,
    [`${name}.w3.weight`, [INNER, HIDDEN]] as const,
  ]);
  return randomModel(
    { ...SIZES, architectures: ['MixtralForCausalLM'], num_local_experts: 5, num_experts_per_tok: 2 },
    usualShapes({
      ...ATTENTION,
      'input_layernorm.weight': [HIDDEN],
      'post_attention_layernorm.weight': [HIDDEN],
      'block_sparse_moe.gate.weight': [5, HIDDEN],
      ...Object.fromEntries(shapes),
    }),
    change,
  );
}

/** A random Command R of a layer. */
export const parallelModel = (): Promise<ReadableDirectory> =>
  randomModel(
    { ...SIZES, architectures: ['CohereForCausalLM'], tie_word_embeddings: false },
    usualShapes({
      ...ATTENTION,
      'input_layernorm.weight': [HIDDEN],
      'mlp.gate_proj.weight': [INNER, HIDDEN],
      'mlp.up_proj.weight': [INNER, HIDDEN],
      'mlp.down_proj.weight': [HIDDEN, INNER],
    }),
  );

/** config.json of a DBRX, whose keys lie within others, as far as they are not what is assumed. */
export const DBRX_CONFIG = {
  ...{ architectures: ['DbrxForCausalLM'], model_type: 'dbrx', tie_word_embeddings: false },
  ...{ d_model: HIDDEN, n_heads: HEADS, n_layers: 1, max_seq_len: 256, vocab_size: VOCABULARY },
  attn_config: { clip_qkv: 1, rope_theta: 500000 },
  ffn_config: { ffn_hidden_size: INNER, moe_num_experts: 5, moe_top_k: 2, moe_jitter_eps: 0 },
  ...{ bos_token_id: 1, eos_token_id: 2 },
};

/** A random DBRX of a layer: the experts' weights of a kind in one tensor, of which each of three modules reads a part. */
export const stackedModel = (change?: (model: OddModel) => void): Promise<ReadableDirectory> =>
  randomModel(
    DBRX_CONFIG,
    {
      'transformer.wte.weight': [VOCABULARY, HIDDEN],
      'transformer.norm_f.weight': [HIDDEN],
      'lm_head.weight': [VOCABULARY, HIDDEN],
      ...inside('transformer.blocks.0.', {
        'norm_attn_norm.norm_1.weight': [HIDDEN],
        'norm_attn_norm.norm_2.weight': [HIDDEN],
        'norm_attn_norm.attn.Wqkv.weight': [2 * HIDDEN, HIDDEN],
        'norm_attn_norm.attn.out_proj.weight': [HIDDEN, HIDDEN],
        'ffn.router.layer.weight': [5, HIDDEN],
        'ffn.experts.mlp.w1': [5 * INNER, HIDDEN],
        'ffn.experts.mlp.v1': [5 * INNER, HIDDEN],
        'ffn.experts.mlp.w2': [5 * INNER, HIDDEN],
      }),
    },
    change,
  );
