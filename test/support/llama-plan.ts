import { parseConfig } from '../../src/model/config/config.ts';
import { buildPlan } from '../../src/model/plan.ts';
import type { ModelPlan } from '../../src/model/spec.ts';
import type { TensorInfo } from '../../src/tensor/dtype.ts';

export interface LlamaSizes {
  readonly hidden: number;
  readonly intermediate: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly vocab: number;
}

/** A Llama of these sizes, by its headers alone. */
export function llamaPlan({ hidden, intermediate, layers, heads, kvHeads, vocab }: LlamaSizes): ModelPlan {
  const config = parseConfig({
    architectures: ['LlamaForCausalLM'],
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    vocab_size: vocab,
    max_position_embeddings: 8192,
    rms_norm_eps: 1e-5,
    rope_theta: 500000,
  });
  const kv = (hidden / heads) * kvHeads;
  const shapes: [string, number[]][] = [
    ['model.embed_tokens.weight', [vocab, hidden]],
    ['model.norm.weight', [hidden]],
    ['lm_head.weight', [vocab, hidden]],
  ];
  for (let layer = 0; layer < layers; layer++) {
    const name = `model.layers.${layer}`;
    shapes.push(
      [`${name}.input_layernorm.weight`, [hidden]],
      [`${name}.post_attention_layernorm.weight`, [hidden]],
      [`${name}.self_attn.q_proj.weight`, [hidden, hidden]],
      [`${name}.self_attn.k_proj.weight`, [kv, hidden]],
      [`${name}.self_attn.v_proj.weight`, [kv, hidden]],
      [`${name}.self_attn.o_proj.weight`, [hidden, hidden]],
      [`${name}.mlp.gate_proj.weight`, [intermediate, hidden]],
      [`${name}.mlp.up_proj.weight`, [intermediate, hidden]],
      [`${name}.mlp.down_proj.weight`, [hidden, intermediate]],
    );
  }
  const infos = shapes.map(([name, shape]): [string, TensorInfo] => [name, { name, dtype: 'F16', shape }]);
  return buildPlan(config, new Map(infos));
}
