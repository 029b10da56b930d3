/** The words in which a family of architectures is described; a family is data made of these, no code. */

/** Whether a linear has a bias: fixed by the family, or a switch in config.json. */
export type BiasRule = 'never' | 'always' | 'attentionBias' | 'mlpBias' | 'useBias';

/**
 * Which layers have a sliding window: none; every one, when `sliding_window` is a number; or those that
 * `layer_types` (or `max_window_layers`) names, when `use_sliding_window` is on; or those that `layer_types` names, or
 * all but every so many'th one.
 */
export type WindowRule = 'none' | 'everyLayer' | 'layerTypes' | 'pattern';

/** `gelu` is the exact one (erf), `gelu_tanh` the tanh approximation. */
export type Activation = 'silu' | 'gelu' | 'gelu_tanh';

export type Factor = 'embedding' | 'residual' | 'scores' | 'logits';

/** One tensor for several linears, their rows after each other; of q, k and v also by key/value head: its queries, k, v. */
export interface FusedNames {
  readonly qkv?: { readonly name: string; readonly order: 'qkv' | 'perKvHead' };
  readonly gateUp?: string;
}

/** Names of tensors in a model's files, where they are not those that its output has. */
export interface SourceNames {
  /** Before all of these but the head's; some files have it, others do not. */
  readonly prefix?: string;
  readonly embedding?: string;
  readonly positions?: string;
  readonly finalNorm?: string;
  readonly head?: string;
  readonly layers?: string;
  readonly attention?: Partial<TensorNames['attention']>;
  readonly mlp?: Partial<TensorNames['mlp']>;
  /**
   * A tensor, with no `.weight` in its name, for all experts' weights of a kind, after each other: (experts · inner, hidden),
   * those of `down` as (inputs, outputs).
   */
  readonly stackedExperts?: true;
  readonly fused?: FusedNames;
  /** Weights of the layers' linears are (inputs, outputs). */
  readonly transposed?: true;
}

/**
 * Names of tensors, without `.weight` and `.bias`. Those of `attention` and `mlp` lie in the module, but for its norm,
 * which lies beside it in the layer.
 */
export interface TensorNames {
  readonly embedding: string;
  /** Learned positions, which are added to the embeddings. Missing: queries and keys are rotated. */
  readonly positions?: string;
  readonly finalNorm: string;
  readonly head: string;
  /** Before the layer's number. */
  readonly layers: string;
  readonly attention: Readonly<
    Record<'module' | 'norm' | 'q' | 'k' | 'v' | 'o' | 'qNorm' | 'kNorm', string>
  > & {
    readonly postNorm?: string;
  };
  /** `postNorm`: of what the block adds, before it is added; beside the module's norm. */
  readonly mlp: Readonly<Record<'module' | 'norm' | 'up' | 'down', string>> & {
    /** Missing: what is activated is `up` itself. */
    readonly gate?: string;
    readonly postNorm?: string;
    /** Of a mixture of experts; in the other names `*` then stands for the expert's number. */
    readonly router?: string;
  };
}

/** A number of config.json, or what follows from it and the model's sizes. */
export interface NumberRule {
  /** Absent in config.json: the value is 1, or `absent`. */
  readonly key?: string;
  readonly absent?: number;
  /** 1 / value; 1 / √value; value / √layers; value / hidden size; √hidden size · value. */
  readonly as?: 'inverse' | 'inverseSqrt' | 'overSqrtLayers' | 'overHidden' | 'timesSqrtHidden';
}

/** Layers of two residual blocks, attention and an MLP, each x + f(norm(x)). */
export interface Family {
  /** As in config.json's `architectures`. */
  readonly name: string;
  /** The name that the output has, where ExLlamaV2 knows the family by another's. */
  readonly writtenAs?: string;
  /** What its config.json calls keys that others call as on the left; with dots: within others. */
  readonly keys?: Readonly<Record<string, string>>;
  readonly tensors: TensorNames;
  readonly attention: {
    readonly qkvBias: BiasRule;
    readonly oBias: BiasRule;
    /**
     * Norms of each query and key head, before the rotation: RMS norms, alike for all heads, or layer norms without
     * bias, where `use_qk_norm` is on, with each head's `own` weights.
     */
    readonly headNorms: boolean | 'own';
    readonly windows: WindowRule;
  };
  readonly mlp: { readonly bias: BiasRule };
  /**
   * Experts in place of each MLP, by config.json's keys: how many there are, to how many of them a token goes, their width
   * where that is not `intermediate_size`, and whether their weights are divided by their sum: a switch, or the power of a
   * norm by which they are divided, 1 where it is not said and none where it is null. They always are where there is no key.
   */
  readonly experts?: {
    readonly count: readonly string[];
    readonly perToken: string;
    readonly width?: string;
    readonly normalized?: string;
    readonly normPower?: string;
    readonly defaults: { readonly count: number; readonly perToken: number };
  };
  /** Before the names of all tensors. */
  readonly prefix?: string;
  /** Beginnings of the names of tensors that the output has as they are: of what sees or hears. */
  readonly copied?: readonly string[];
  /** Ends of names of such tensors that the output has otherwise, and as it has them. */
  readonly renamed?: Readonly<Record<string, string>>;
  /**
   * Around a language model, of which config.json speaks under `text_config`: the vision towers, by their `model_type`,
   * with which ExLlamaV2 loads it. Undefined: it is none.
   */
  readonly wraps?: readonly string[] | undefined;
  /** Where files do not have the names that the output has. */
  readonly source?: SourceNames;
  /** Factors on the embeddings, on what each block adds, in place of 1 / √headDim on scores, and on logits. */
  readonly factors?: Partial<Record<Factor, NumberRule>>;
  /** Layer norms, with biases, in place of RMS norms. */
  readonly layerNorms?: true | 'withoutBias';
  /** A layer's attention and MLP read the same normed input, and both add to it. */
  readonly parallel?: true;
  /** Of the norms' epsilon in config.json, and as ExLlamaV2 reads it there; both `rms_norm_eps` where it is not said. */
  readonly epsilonKeys?: { readonly source: string; readonly written: string };
  /** Of norms, whatever config.json says; ExLlamaV2 knows it. */
  readonly epsilon?: number;
  /** What norms add to their weights. */
  readonly normOffset?: 0 | 1;
  /** Whatever config.json says. */
  readonly activation?: Activation;
  /** Key of the limit to which queries, keys and values are clamped as they are projected. */
  readonly clip?: string;
  /** Keys of caps on scores and logits. */
  readonly softcaps?: { readonly scores?: string; readonly logits?: string };
  /**
   * Rotates neighbours, not halves; where config.json does not say it, such a part of each head; further types that are
   * the default for text; the base in layers with a window, which have no scaling, and what that is where nothing is said.
   */
  readonly rope?: {
    readonly pairs?: true;
    /** Layers without a window are not rotated. */
    readonly windowsOnly?: true;
    readonly part?: number;
    readonly types?: readonly string[];
    readonly local?: { readonly key: string; readonly absent: number };
  };
  /** As config.json's `model_type` may be; where that is another family's name for others. */
  readonly modelTypes?: readonly string[];
  /** Keys that change the computation ({@link COMPUTING_KEYS}) and are taken account of. */
  readonly knows: readonly string[];
  /** What transformers assumes where config.json is silent and families differ. */
  readonly defaults: {
    /** Undefined: hidden_size / num_attention_heads. */
    readonly headDim?: number;
    readonly slidingWindow?: number;
    /** Of windows by pattern: every so many'th layer sees all. */
    readonly windowPattern?: number;
    /** The head's weight is the embedding. */
    readonly tied?: true;
    readonly normEps?: number;
    readonly heads?: number;
    readonly kvHeads?: number;
    readonly vocabSize?: number;
    readonly ropeTheta?: number;
    readonly maxPositions?: number;
    readonly activation?: Activation;
    /** Width of MLPs. */
    readonly inner?: number;
    /** Width of MLPs, in hidden sizes. */
    readonly innerFactor?: number;
  };
}
