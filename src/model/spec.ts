/** A model as its family and config.json make it: what to run and to quantize, in numbers and names of tensors. */

import type { DType } from '../tensor/dtype.ts';
import type { ModelConfig } from './config/config.ts';
import type { RopeParams } from './config/rope.ts';
import type { Activation } from './families/family.ts';

/** What a linear does in its module. */
export type Role = 'q' | 'k' | 'v' | 'o' | 'gate' | 'up' | 'down' | 'head';

/**
 * Names what a linear reads, within its module: `postNorm` the normed residual, `attnOutput` the heads' concatenated
 * outputs, `preDown` the gated product. Linears of one module with the same input share its Hessian.
 */
export type InputKey = string;

/** A linear to quantize: y (m, n) = x (m, k)·Wᵀ (+ bias). */
export interface LinearSpec {
  readonly role: Role;
  /** Within its module as measurement.json has it, e.g. `q_proj`, whatever the tensor is called. */
  readonly name: string;
  /** What its packed tensors' names start with, e.g. `model.layers.0.self_attn.q_proj`. */
  readonly key: string;
  readonly k: number;
  readonly n: number;
  readonly input: InputKey;
  /** Source tensor, (n, k), or one that has the linear's rows among others'. */
  readonly weight: string;
  /** Source tensor, (n), or one that has them among others'. */
  readonly bias: string | undefined;
  /** Where the linear's rows lie in these tensors; undefined: they are all of them. */
  readonly part: RowsPart | undefined;
}

/** Runs of `run` rows, the first at `first`, `stride` rows from one to the next, of a tensor of `total` rows. */
export interface RowsPart {
  readonly first: number;
  readonly run: number;
  readonly stride: number;
  readonly total: number;
}

/** x / √(mean(x²) + epsilon) · (weight + offset) over runs of `size` values; a layer norm takes x − mean(x), and adds a bias. */
export interface NormSpec {
  /** Source tensor, (size). */
  readonly weight: string;
  readonly size: number;
  readonly epsilon: number;
  readonly offset: 0 | 1;
  readonly kind: 'rms' | 'layer';
  /** Source tensor of a layer norm, (size). */
  readonly bias: string | undefined;
}

export interface AttentionSpec {
  readonly kind: 'attention';
  readonly q: LinearSpec;
  readonly k: LinearSpec;
  readonly v: LinearSpec;
  readonly o: LinearSpec;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Norms of every query and every key head. */
  readonly qNorm: NormSpec | undefined;
  readonly kNorm: NormSpec | undefined;
  readonly rope: RopeParams;
  /** Factor on the scores, and their cap; 0: none. */
  readonly scale: number;
  readonly softcap: number;
  /** Sliding window in tokens. */
  readonly window: number | undefined;
}

export interface MlpSpec {
  readonly kind: 'mlp';
  /** Undefined: what is activated is `up` itself. */
  readonly gate: LinearSpec | undefined;
  readonly up: LinearSpec;
  readonly down: LinearSpec;
  readonly activation: Activation;
}

/** One residual block, x + f(norm(x)); its parameters are measured and chosen together. */
export interface ModuleSpec {
  /** Its number among the model's. */
  readonly index: number;
  /** As in measurement.json, e.g. `model.layers.0.self_attn`. */
  readonly key: string;
  readonly layer: number;
  readonly norm: NormSpec;
  /** Of what the mixer adds, before it is added. */
  readonly postNorm: NormSpec | undefined;
  /** Factor on what the mixer adds. */
  readonly residualFactor: number;
  readonly mixer: AttentionSpec | MlpSpec;
  /** The mixer's, in the order in which they are stored. */
  readonly linears: readonly LinearSpec[];
}

/** A tensor that the output holds, not quantized. */
export interface StoredTensor {
  readonly name: string;
  /** Source tensor. */
  readonly source: string;
  /** Shape in the output. */
  readonly shape: readonly number[];
  /** Of a norm of every head: how often the output has the source's data, once for each. */
  readonly copies: number | undefined;
  /** In the output: f16, but for tensors that are copied as they are. */
  readonly dtype: DType;
}

/** A model as a list of what to run and quantize, in order, by the names of its source tensors. */
export interface ModelSpec {
  readonly config: ModelConfig;
  /** Source tensor, (vocabSize, hiddenSize). */
  readonly embedding: string;
  /** Factor on the embeddings. */
  readonly embeddingFactor: number;
  /** Attention, MLP, attention, MLP, … */
  readonly modules: readonly ModuleSpec[];
  readonly finalNorm: NormSpec;
  /** The output head; with tied embeddings its weight is the embedding. */
  readonly head: LinearSpec;
  readonly logitFactor: number;
  /** Cap of the logits; 0: none. */
  readonly logitSoftcap: number;
  readonly stored: readonly StoredTensor[];
}

/** A model whose tensors are there. */
export interface ModelPlan extends ModelSpec {
  /** Tensors of the source that the architecture has no use for; worth a warning. */
  readonly unexpected: readonly string[];
}
