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

function randomModel(
  config: Record<string, unknown>,
  layer: Readonly<Record<string, readonly number[]>>,
  change: (model: OddModel) => void,
): Promise<ReadableDirectory> {
  const shapes: Record<string, readonly number[]> = {
    'model.embed_tokens.weight': [VOCABULARY, HIDDEN],
    'model.norm.weight': [HIDDEN],
    'lm_head.weight': [VOCABULARY, HIDDEN],
  };
  for (const [name, shape] of Object.entries(layer)) shapes[`model.layers.0.${name}`] = shape;
  return oddModel((model) => {
    for (const key of Object.keys(model.config)) delete model.config[key];
    Object.assign(model.config, { ...SIZES, ...config });
    model.tensors.clear();
    for (const [seed, [name, shape]] of Object.entries(shapes).entries())
      put(model, randomHalves(name, shape, seed, shape.length === 1 ? 1 : 0.15));
    change(model);
  });
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
    { architectures: ['MixtralForCausalLM'], num_local_experts: 5, num_experts_per_tok: 2 },
    {
      ...ATTENTION,
      'input_layernorm.weight': [HIDDEN],
      'post_attention_layernorm.weight': [HIDDEN],
      'block_sparse_moe.gate.weight': [5, HIDDEN],
      ...Object.fromEntries(shapes),
    },
    change,
  );
}

/** A random Command R of a layer. */
export const parallelModel = (): Promise<ReadableDirectory> =>
  randomModel(
    { architectures: ['CohereForCausalLM'], tie_word_embeddings: false },
    {
      ...ATTENTION,
      'input_layernorm.weight': [HIDDEN],
      'mlp.gate_proj.weight': [INNER, HIDDEN],
      'mlp.up_proj.weight': [INNER, HIDDEN],
      'mlp.down_proj.weight': [HIDDEN, INNER],
    },
    () => {},
  );
