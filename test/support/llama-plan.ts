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
  readonly experts?: number;
}

/** A Llama of these sizes, by its headers alone; with experts a Mixtral, whose tokens go through two of them. */
export function llamaPlan(sizes: LlamaSizes): ModelPlan {
  const { hidden, intermediate, layers, heads, kvHeads, vocab, experts } = sizes;
  const config = parseConfig({
    architectures: [experts ? 'MixtralForCausalLM' : 'LlamaForCausalLM'],
    ...(experts && { num_local_experts: experts, num_experts_per_tok: 2 }),
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
      ...mlpShapes(name, sizes),
    );
  }
  const infos = shapes.map(([name, shape]): [string, TensorInfo] => [name, { name, dtype: 'F16', shape }]);
  return buildPlan(config, new Map(infos));
}

function mlpShapes(layer: string, { hidden, intermediate, experts }: LlamaSizes): [string, number[]][] {
  const shapesOf = (prefix: string, gate: string, up: string, down: string): [string, number[]][] => [
    [`${prefix}.${gate}.weight`, [intermediate, hidden]],
    [`${prefix}.${up}.weight`, [intermediate, hidden]],
    [`${prefix}.${down}.weight`, [hidden, intermediate]],
  ];
  if (!experts) return shapesOf(`${layer}.mlp`, 'gate_proj', 'up_proj', 'down_proj');
  const moe = `${layer}.block_sparse_moe`;
  return [
    [`${moe}.gate.weight`, [experts, hidden]],
    ...Array.from({ length: experts }, (_, expert) =>
      shapesOf(`${moe}.experts.${expert}`, 'w1', 'w3', 'w2'),
    ).flat(),
  ];
}
