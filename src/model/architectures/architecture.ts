/** The words in which an architecture family is described; a family is data made of these, no code. */

/** A width of the model, by name; the numbers come from config.json. */
export type Dimension = 'hidden' | 'intermediate' | 'queries' | 'keyValues';

/**
 * What a linear reads: the normed residual, the heads' concatenated outputs, or the gated product.
 * Linears of one module with the same input share its Hessian.
 */
export type LinearInput = 'postNorm' | 'attnOutput' | 'preDown';

/** Whether a linear has a bias: fixed by the family, or a switch in config.json. */
export type BiasRule = 'never' | 'always' | 'attentionBias' | 'mlpBias';

/** y = x·Wᵀ (+ bias), W of shape (n, k). */
export interface LinearLayout {
  readonly name: string;
  readonly input: LinearInput;
  readonly k: Dimension;
  readonly n: Dimension;
  readonly bias: BiasRule;
}

export type ModuleKind = 'attention' | 'mlp';

/** One residual block: x + f(norm(x)). */
export interface ModuleLayout {
  readonly kind: ModuleKind;
  /** Name within the layer: tensors are `model.layers.<i>.<name>.<linear>.weight`. */
  readonly name: string;
  /** The norm's name within the layer. */
  readonly norm: string;
  readonly linears: readonly LinearLayout[];
  /** RMS norms of each query and key head (`q_norm`, `k_norm`), before the rotation. */
  readonly headNorms: boolean;
}

/**
 * Which layers have a sliding window: none; every one, when `sliding_window` is a number; or those that
 * `layer_types` (or `max_window_layers`) names, when `use_sliding_window` is on.
 */
export type WindowRule = 'none' | 'everyLayer' | 'layerTypes';

export interface Architecture {
  /** As in config.json's `architectures`. */
  readonly name: string;
  readonly modules: readonly ModuleLayout[];
  readonly windows: WindowRule;
  /** Keys that change the computation ({@link COMPUTING_KEYS}) and are taken account of. */
  readonly knows: readonly string[];
  /** What transformers assumes where config.json is silent and families differ. */
  readonly defaults: {
    /** Undefined: hidden_size / num_attention_heads. */
    readonly headDim: number | undefined;
    readonly slidingWindow: number | undefined;
  };
}
