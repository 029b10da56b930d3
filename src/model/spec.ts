/** A model as its family and config.json make it: what to run and to quantize, in numbers and names of tensors. */

import type { DType } from '../tensor/dtype.ts';
import type { ModelConfig } from './config/config.ts';
import type { RopeParams } from './config/rope.ts';
import type { Activation } from './families/family.ts';

/** What a linear does in its module. */
export type Role = 'q' | 'k' | 'v' | 'o' | 'gate' | 'up' | 'down' | 'router' | 'head';

/**
 * Names what a linear reads, within its module: `postNorm` the normed residual, `attnOutput` the heads' concatenated
 * outputs, `preDown` the gated product, of an expert `preDown.3`. Linears of one module with the same input share its
 * Hessian.
 */
export type InputKey = string;

/** What a module norms. */
export const MODULE_INPUT: InputKey = 'postNorm';

/** A linear to quantize: y (m, n) = x (m, k)·Wᵀ (+ bias). */
export interface LinearSpec {
  readonly role: Role;
  /** Within its module, e.g. `q_proj`, whatever the tensor is called; of experts `w1.3`. */
  readonly name: string;
  /** Name of its parameters in measurement.json: `q_proj`, or `w1`, which are those of every expert. */
  readonly paramsName: string;
  /** What its packed tensors' names start with, e.g. `model.layers.0.self_attn.q_proj`. */
  readonly key: string;
  readonly k: number;
  readonly n: number;
  readonly input: InputKey;
  /** Source tensor, (n, k), or one that has the linear's rows among others'; `transposed`: (k, n), its columns. */
  readonly weight: string;
  readonly transposed: boolean;
  /** Each row of the weight is divided by its length when it is loaded. */
  readonly normalized: boolean;
  /** Source tensor, (n), or one that has them among others'. */
  readonly bias: string | undefined;
  /** Where the linear's rows lie in these tensors; undefined: they are all of them. */
  readonly part: RowsPart | undefined;
  /** Of a transposed weight: where its k rows lie in the tensor; undefined: they are all of them. */
  readonly inputs: InputsPart | undefined;
}

/** Runs of `run` rows, the first at `first`, `stride` rows from one to the next, of a tensor of `total` rows. */
export interface RowsPart {
  readonly first: number;
  readonly run: number;
  readonly stride: number;
  readonly total: number;
}

/** Rows from `first` on, of a tensor of `total`. */
export interface InputsPart {
  readonly first: number;
  readonly total: number;
}

/** x / √(mean(x²) + epsilon) · (weight + offset) over runs of `size` values; a layer norm takes x − mean(x), and adds a bias. */
export interface NormSpec {
  /** What its tensors' names in the output start with. */
  readonly key: string;
  /** Source tensor, (size), or (heads, size) where heads have their own, which the runs take in turn. */
  readonly weight: string;
  readonly size: number;
  readonly heads: number | undefined;
  readonly epsilon: number;
  readonly offset: 0 | 1;
  readonly kind: 'rms' | 'layer';
  /** Source tensor of a layer norm that has one, (size). */
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
  /** Undefined: nothing is rotated. */
  readonly rope: RopeParams | undefined;
  /** Factor on the scores, and their cap; 0: none. */
  readonly scale: number;
  readonly softcap: number;
  /** Sliding window in tokens. */
  readonly window: number | undefined;
  /** What q, k and v make is clamped to ±clip; undefined: it is not. */
  readonly clip: number | undefined;
}

export interface MlpSpec {
  readonly kind: 'mlp';
  /** Undefined: what is activated is `up` itself. */
  readonly gate: LinearSpec | undefined;
  readonly up: LinearSpec;
  readonly down: LinearSpec;
  readonly activation: Activation;
}

/** Which experts a token goes to: the `perToken` of the largest probabilities softmax(x·Wᵀ). */
export interface RouterSpec {
  /** (experts, hidden); it is not quantized. */
  readonly linear: LinearSpec;
  readonly experts: number;
  readonly perToken: number;
  /** Whether the weights of a token's experts are divided by their sum. */
  readonly normalized: boolean;
}

/** Some of a layer's experts, MLPs of which each token goes through a few. */
export interface ExpertsSpec {
  readonly kind: 'experts';
  readonly router: RouterSpec;
  /** Number of the first of them among the layer's. */
  readonly first: number;
  readonly experts: readonly MlpSpec[];
}

export type MixerSpec = AttentionSpec | MlpSpec | ExpertsSpec;

/**
 * A part of the model with a residual, r + f(norm(x)), that is loaded and quantized as one. Mostly x is r, what the
 * modules before have made. Where a layer's modules stand beside each other (attention and MLP, or groups of experts), all
 * of them read the x of the first.
 */
export interface ModuleSpec {
  /** Its number among the model's. */
  readonly index: number;
  /** E.g. `model.layers.0.self_attn`. */
  readonly key: string;
  /** What it belongs to in measurement.json, whose parameters are measured and chosen together: itself, but for experts. */
  readonly choice: string;
  readonly layer: number;
  /** The next module reads what this one has read. */
  readonly keepsInput: boolean;
  readonly norm: NormSpec;
  /** Of what the mixer adds, before it is added. */
  readonly postNorm: NormSpec | undefined;
  /** Factor on what the mixer adds. */
  readonly residualFactor: number;
  readonly mixer: MixerSpec;
  /** The mixer's, in the order in which they are stored. */
  readonly linears: readonly LinearSpec[];
}

/** What is measured and chosen as one: a module, or all modules of a layer's experts. */
export interface ChoiceSpec {
  /** Its number among the model's. */
  readonly index: number;
  /** As in measurement.json, e.g. `model.layers.0.self_attn`, `model.layers.0.block_sparse_moe`. */
  readonly key: string;
  readonly layer: number;
  readonly modules: readonly ModuleSpec[];
  /** All modules'. */
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
  /** Source tensor of learned positions, which are added to the embeddings, (maxPositions, hiddenSize). */
  readonly positions: string | undefined;
  /** Attention, MLP, attention, MLP, … */
  readonly modules: readonly ModuleSpec[];
  readonly choices: readonly ChoiceSpec[];
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
