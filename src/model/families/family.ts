/** The words in which a family of architectures is described; a family is data made of these, no code. */

/** Whether a linear has a bias: fixed by the family, or a switch in config.json. */
export type BiasRule = 'never' | 'always' | 'attentionBias' | 'mlpBias';

/**
 * Which layers have a sliding window: none; every one, when `sliding_window` is a number; or those that
 * `layer_types` (or `max_window_layers`) names, when `use_sliding_window` is on.
 */
export type WindowRule = 'none' | 'everyLayer' | 'layerTypes';

/**
 * Names of tensors, without `.weight` and `.bias`. Those of `attention` and `mlp` lie in the module, but for its norm,
 * which lies beside it in the layer.
 */
export interface TensorNames {
  readonly embedding: string;
  readonly finalNorm: string;
  readonly head: string;
  /** Before the layer's number. */
  readonly layers: string;
  readonly attention: Readonly<Record<'module' | 'norm' | 'q' | 'k' | 'v' | 'o' | 'qNorm' | 'kNorm', string>>;
  readonly mlp: Readonly<Record<'module' | 'norm' | 'gate' | 'up' | 'down', string>>;
}

/** Layers of two residual blocks, attention and a gated MLP, each x + f(RMSNorm(x)). */
export interface Family {
  /** As in config.json's `architectures`. */
  readonly name: string;
  readonly tensors: TensorNames;
  readonly attention: {
    readonly qkvBias: BiasRule;
    readonly oBias: BiasRule;
    /** RMS norms of each query and key head, before the rotation. */
    readonly headNorms: boolean;
    readonly windows: WindowRule;
  };
  readonly mlp: { readonly bias: BiasRule };
  /** Keys that change the computation ({@link COMPUTING_KEYS}) and are taken account of. */
  readonly knows: readonly string[];
  /** What transformers assumes where config.json is silent and families differ. */
  readonly defaults: {
    /** Undefined: hidden_size / num_attention_heads. */
    readonly headDim?: number;
    readonly slidingWindow?: number;
  };
}
