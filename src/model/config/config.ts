import { UnsupportedError } from '../../util/errors.ts';
import type { Activation, Factor, Family, NumberRule } from '../families/family.ts';
import { FAMILIES, findFamily } from '../families/registry.ts';
import { parseActivation } from './activation.ts';
import { checkKeys } from './check-keys.ts';
import { type ExpertsConfig, parseExperts } from './experts.ts';
import { Fields } from './fields.ts';
import { parseLocalRope, parseRope, type RopeOverrides, type RopeParams } from './rope.ts';
import { parseWindows } from './windows.ts';

/** What config.json says about a supported model, checked. */
export interface ModelConfig {
  /** Its usual name, e.g. `LlamaForCausalLM`. */
  readonly architecture: string;
  readonly hiddenSize: number;
  /** Of an MLP, or of each expert. */
  readonly intermediateSize: number;
  /** Undefined: MLPs. */
  readonly experts: ExpertsConfig | undefined;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocabSize: number;
  readonly normEps: number;
  readonly activation: Activation;
  /** Longest context in tokens that the model was made for. */
  readonly maxPositions: number;
  /** The head's weight is the embedding. */
  readonly tiedEmbeddings: boolean;
  readonly attentionBias: boolean;
  readonly mlpBias: boolean;
  /** StarCoder 2's switch of all biases; on where it is not said. */
  readonly useBias: boolean;
  /** Query and key heads are normed. */
  readonly headNorms: boolean;
  /** Queries, keys and values are clamped to ±clip; undefined: they are not. */
  readonly clip: number | undefined;
  /** Rows of the head's weight are normalized when it is used (Index). */
  readonly normHead: boolean;
  /** Of no use where positions are learned. */
  readonly rope: RopeParams;
  /** Of layers with a window, where that is another. */
  readonly localRope: RopeParams | undefined;
  /** 1 where the family has none; for scores that stands for none too. */
  readonly factors: Readonly<Record<Factor, number>>;
  /** softcap · tanh(x / softcap); 0: none. */
  readonly softcaps: Readonly<Record<'scores' | 'logits', number>>;
  /** Per layer: position i sees i − window < j ≤ i; undefined: all j ≤ i. */
  readonly slidingWindows: readonly (number | undefined)[];
  /** config.json as it was. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** No model has more; a wrong number fails here and not when memory runs out. */
const SIZE = { min: 1, max: 2 ** 24 };
/** No model has factors beyond these; a wrong number fails here. */
const CAP = { min: 0, max: 1e6 };
const FACTOR = { min: 1e-6, max: 1e6 };
const LAYERS = { min: 1, max: 4096 };
/** EXL2 packs rows of 32 input features into whole words at every width. */
const K_MULTIPLE = 32;
/** Of the output features of linears whose result is taken head by head: columns are padded to it. */
const N_MULTIPLE = 32;
/** The attention kernels take four values of a head at a time. */
const HEAD_DIM_MULTIPLE = 4;
const DEFAULT_NORM_EPS = 1e-6;
/** Where ExLlamaV2 looks for the context length, in this order. */
const CONTEXT_KEYS = [
  'max_sequence_length',
  'model_max_length',
  'max_position_embeddings',
  'max_seq_len',
  'n_positions',
];
const DEFAULT_CONTEXT = 2048;
const CONFIG = 'config.json';

/**
 * Reads a Hugging Face config.json, of transformers 5 or before.
 * @throws InputError for missing or wrong values; UnsupportedError for another architecture, a model that is
 * already quantized, or one that EXL2 cannot hold.
 */
export function parseConfig(json: unknown, overrides: RopeOverrides = {}): ModelConfig {
  const whole = new Fields(json, CONFIG);
  const family = parseFamily(whole);
  const fields = family.wraps ? languagePart(whole, family.wraps) : new Fields(json, CONFIG, family.keys);
  const sizes = parseSizes(fields, family);
  const maxPositions = parseContext(fields, family);
  const rope = parseRope(fields, family, sizes.headDim, maxPositions, overrides);
  const {
    clip,
    attention: { headNorms },
  } = family;
  const cap = (key: string | undefined) => (key === undefined ? 0 : (fields.number(key, CAP) ?? 0));
  const config: ModelConfig = {
    architecture: family.name,
    ...sizes,
    normEps:
      family.epsilon ??
      fields.number(family.epsilonKeys?.source ?? 'rms_norm_eps', { min: 0, max: 1 }) ??
      family.defaults.normEps ??
      DEFAULT_NORM_EPS,
    activation: family.activation ?? parseActivation(fields, family.defaults.activation),
    maxPositions,
    tiedEmbeddings: fields.boolean('tie_word_embeddings', family.defaults.tied),
    attentionBias: fields.boolean('attention_bias'),
    mlpBias: fields.boolean('mlp_bias'),
    useBias: fields.boolean('use_bias', true),
    headNorms: headNorms === 'own' ? fields.boolean('use_qk_norm') : headNorms,
    clip: clip === undefined ? undefined : fields.number(clip, FACTOR),
    normHead: parseNormHead(fields),
    rope,
    localRope: parseLocalRope(fields, family, rope),
    factors: parseFactors(fields, family, sizes),
    softcaps: { scores: cap(family.softcaps?.scores), logits: cap(family.softcaps?.logits) },
    slidingWindows: parseWindows(fields, family, sizes.layers),
    raw: whole.values,
  };
  checkKeys(fields, family, neutralSizes(fields, family, config));
  return config;
}

/** What config.json says of the language model, in one; newer files have it under `text_config`, older ones beside it. */
function languagePart(whole: Fields, towers: readonly string[]): Fields {
  const tower = whole.fields('vision_config')?.text('model_type');
  if (tower !== undefined && !towers.includes(tower)) {
    throw new UnsupportedError(
      `config.json has a vision tower of type ${tower}, which ExLlamaV2 does not load with this architecture; it loads ` +
        towers.join(', '),
    );
  }
  const text = whole.fields('text_config')?.values ?? {};
  const tied = whole.values['tie_word_embeddings'] ?? text['tie_word_embeddings'];
  const { architectures: _, ...own } = text;
  const all = { ...whole.values, ...own, ...(tied !== undefined && { tie_word_embeddings: tied }) };
  return new Fields(all, CONFIG);
}

function parseFactors(
  fields: Fields,
  { factors = {} }: Family,
  { layers, hiddenSize }: { readonly layers: number; readonly hiddenSize: number },
): Record<Factor, number> {
  const value = (rule: NumberRule | undefined): number => {
    if (!rule) return 1;
    const stated = rule.key === undefined ? 1 : fields.number(rule.key, FACTOR);
    const given = stated ?? rule.absent;
    if (given === undefined) return 1;
    if (rule.as === 'inverseSqrt') return given ** -0.5;
    if (rule.as === 'timesSqrtHidden') return given * Math.sqrt(hiddenSize);
    if (rule.as === 'inverse') return 1 / given;
    if (rule.as === 'overSqrtLayers') return given / Math.sqrt(layers);
    return rule.as === 'overHidden' ? given / hiddenSize : given;
  };
  const { embedding, residual, scores, logits } = factors;
  return {
    ...{ embedding: value(embedding), residual: value(residual) },
    ...{ scores: value(scores), logits: value(logits) },
  };
}

function neutralSizes(
  fields: Fields,
  family: Family,
  { hiddenSize, headDim, layers, slidingWindows, maxPositions }: ModelConfig,
) {
  const types = new Set(slidingWindows.map((window) => (window === undefined ? 'full' : 'sliding')));
  return {
    ...{ hiddenSize, headDim, layers },
    ropeTheta: parseRope(fields, family, headDim, maxPositions, {}).theta,
    layerType: types.size === 1 ? `${[...types][0]}_attention` : undefined,
  };
}

/** The method of a `quantization_config`, which is as good as absent when nothing is in it. */
export function quantizationMethod(config: Fields): string | undefined {
  const quantization = config.fields('quantization_config');
  if (!quantization || Object.keys(quantization.values).length === 0) return undefined;
  return quantization.text('quant_method') ?? 'unknown method';
}

function parseFamily(fields: Fields): Family {
  const supported = `supported architectures: ${[...FAMILIES.keys()].join(', ')}`;
  const method = quantizationMethod(fields);
  if (method !== undefined) {
    throw new UnsupportedError(
      `this model is already quantized (config.json has quantization_config, ${method}); ` +
        'give the original model with F32, F16 or BF16 weights',
    );
  }
  const name = fields.texts('architectures')?.[0];
  const family = name === undefined ? undefined : findFamily(name);
  if (fields.get('text_config') !== undefined && !family?.wraps) {
    const what = `a multimodal wrapper (${name ?? 'no architecture named'}, its language model under text_config)`;
    throw new UnsupportedError(`config.json describes ${what}, which is not supported; ${supported}`);
  }
  if (name === undefined) throw fields.wrong('architectures', `a list with one name; ${supported}`);
  if (!family) {
    throw new UnsupportedError(
      `architecture ${name} is not supported, and ExLlamaV2 does not know it either, so that no EXL2 file of it ` +
        `could be run; ${supported}`,
    );
  }
  return family;
}

function parseSizes(fields: Fields, family: Family) {
  const hiddenSize = requiredSize(fields, 'hidden_size');
  const widthKey = family.experts?.width ?? 'intermediate_size';
  const { defaults } = family;
  const inner = defaults.inner ?? (defaults.innerFactor && defaults.innerFactor * hiddenSize);
  const intermediateSize = requiredSize(fields, widthKey, inner);
  const heads = requiredSize(fields, 'num_attention_heads', defaults.heads);
  const kvHeads = fields.integer('num_key_value_heads', SIZE) ?? defaults.kvHeads ?? heads;
  if (heads % kvHeads !== 0) {
    throw fields.wrong('num_key_value_heads', `a divisor of num_attention_heads (${heads})`);
  }
  const headDim = parseHeadDim(fields, family, hiddenSize, heads);
  checkPackable(fields.called('hidden_size'), hiddenSize);
  checkPackable(fields.called(widthKey), intermediateSize);
  checkPackable('num_attention_heads × head_dim', heads * headDim);
  if ((kvHeads * headDim) % N_MULTIPLE !== 0) {
    throw new UnsupportedError(
      `config.json: num_key_value_heads × head_dim is ${kvHeads * headDim}; keys and values can only be quantized where it is a multiple of ${N_MULTIPLE}`,
    );
  }
  const layers = fields.integer('num_hidden_layers', LAYERS);
  return {
    hiddenSize,
    intermediateSize,
    experts: parseExperts(fields, family),
    layers: fields.required('num_hidden_layers', layers, `an integer from ${LAYERS.min} to ${LAYERS.max}`),
    heads,
    kvHeads,
    headDim,
    vocabSize: requiredSize(fields, 'vocab_size', defaults.vocabSize),
  };
}

function parseHeadDim(fields: Fields, family: Family, hiddenSize: number, heads: number): number {
  const stated = fields.integer('head_dim', SIZE) ?? family.defaults.headDim;
  if (stated === undefined && hiddenSize % heads !== 0) {
    throw fields.wrong(
      'num_attention_heads',
      `a divisor of hidden_size (${hiddenSize}), as there is no head_dim`,
    );
  }
  const headDim = stated ?? hiddenSize / heads;
  if (headDim % HEAD_DIM_MULTIPLE !== 0) {
    throw fields.wrong(
      'head_dim',
      `a multiple of ${HEAD_DIM_MULTIPLE} (the kernels take so many values together), not ${headDim}`,
    );
  }
  return headDim;
}

function requiredSize(fields: Fields, name: string, absent?: number): number {
  return fields.required(
    name,
    fields.integer(name, SIZE) ?? absent,
    `an integer from ${SIZE.min} to ${SIZE.max}`,
  );
}

/** A context as good as endless is cut: some tools write a number without meaning. Learned positions are as many as they are. */
function parseContext(fields: Fields, { defaults, tensors }: Family): number {
  const keys = tensors.positions === undefined ? CONTEXT_KEYS : ['max_position_embeddings'];
  const key = keys.find((name) => fields.get(name) !== undefined);
  if (key === undefined) return defaults.maxPositions ?? DEFAULT_CONTEXT;
  const length = fields.number(key, { min: 1, max: Number.POSITIVE_INFINITY })!;
  return Math.min(Math.floor(length), SIZE.max);
}

function checkPackable(name: string, k: number): void {
  if (k % K_MULTIPLE !== 0) {
    throw new UnsupportedError(
      `config.json: ${name} is ${k}; EXL2 can only hold linears whose input features are a multiple of ${K_MULTIPLE}`,
    );
  }
}

function parseNormHead(fields: Fields): boolean {
  const value = fields.get('norm_head') ?? 0;
  if (![0, 1, false, true].includes(value as number | boolean)) throw fields.wrong('norm_head', '0 or 1');
  return Boolean(value);
}
