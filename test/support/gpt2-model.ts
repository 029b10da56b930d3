import type { ReadableDirectory } from '../../src/io/bytes.ts';
import { type OddModel, oddModel, put, randomHalves } from './odd-models.ts';

const [HIDDEN, HEADS, INNER, VOCABULARY] = [64, 2, 256, 320];
export const POSITIONS = 40;

/** config.json of a GPT-2 as most have it: without `n_inner` and `tie_word_embeddings`. */
export const GPT2_CONFIG = {
  ...{ architectures: ['GPT2LMHeadModel'], model_type: 'gpt2', activation_function: 'gelu_new' },
  ...{ n_embd: HIDDEN, n_head: HEADS, n_layer: 1, n_positions: POSITIONS, n_ctx: POSITIONS },
  ...{ vocab_size: VOCABULARY, layer_norm_epsilon: 1e-5, bos_token_id: 1, eos_token_id: 2 },
};

/** A random GPT-2 of one layer with a tokenizer, `prefix` before its names. */
export function gpt2Model(
  prefix = '',
  change: (model: OddModel) => void = () => {},
): Promise<ReadableDirectory> {
  const shapes: Record<string, readonly number[]> = {
    'wte.weight': [VOCABULARY, HIDDEN],
    'wpe.weight': [POSITIONS, HIDDEN],
    'h.0.ln_1.weight': [HIDDEN],
    'h.0.ln_1.bias': [HIDDEN],
    'h.0.attn.c_attn.weight': [HIDDEN, 3 * HIDDEN],
    'h.0.attn.c_attn.bias': [3 * HIDDEN],
    'h.0.attn.c_proj.weight': [HIDDEN, HIDDEN],
    'h.0.attn.c_proj.bias': [HIDDEN],
    'h.0.ln_2.weight': [HIDDEN],
    'h.0.ln_2.bias': [HIDDEN],
    'h.0.mlp.c_fc.weight': [HIDDEN, INNER],
    'h.0.mlp.c_fc.bias': [INNER],
    'h.0.mlp.c_proj.weight': [INNER, HIDDEN],
    'h.0.mlp.c_proj.bias': [HIDDEN],
    'ln_f.weight': [HIDDEN],
    'ln_f.bias': [HIDDEN],
  };
  return oddModel((model) => {
    for (const key of Object.keys(model.config)) delete model.config[key];
    Object.assign(model.config, GPT2_CONFIG);
    model.tensors.clear();
    for (const [seed, [name, shape]] of Object.entries(shapes).entries())
      put(model, randomHalves(prefix + name, shape, seed, 0.1));
    change(model);
  });
}
