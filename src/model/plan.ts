import type { TensorInfo } from '../tensor/dtype.ts';
import { assert } from '../util/errors.ts';
import type {
  BiasRule,
  Dimension,
  LinearInput,
  LinearLayout,
  ModuleKind,
  ModuleLayout,
} from './architectures/architecture.ts';
import { ARCHITECTURES } from './architectures/registry.ts';
import { checkTensors } from './check-tensors.ts';
import type { ModelConfig } from './config.ts';
import type { TensorRequirement } from './requirement.ts';
import { EMBEDDING, FINAL_NORM, HEAD, HEAD_WEIGHT } from './tensor-names.ts';

/** A linear to quantize: y (m, n) = x (m, k)·Wᵀ (+ bias). */
export interface LinearSpec {
  /** Within its module, e.g. `q_proj`. */
  readonly name: string;
  /** What its packed tensors' names start with, e.g. `model.layers.0.self_attn.q_proj`. */
  readonly key: string;
  readonly k: number;
  readonly n: number;
  /** Linears of a module with the same input share its Hessian. */
  readonly input: LinearInput;
  /** Source tensor, (n, k). */
  readonly weight: string;
  /** Source tensor, (n). */
  readonly bias: string | undefined;
}

/** One residual block, x + f(norm(x)); its parameters are measured and chosen together. */
export interface ModuleSpec {
  readonly kind: ModuleKind;
  /** As in measurement.json, e.g. `model.layers.0.self_attn`. */
  readonly key: string;
  readonly layer: number;
  /** Source tensor, (hiddenSize). */
  readonly norm: string;
  readonly linears: readonly LinearSpec[];
  /** Source tensors, (headDim): norms of every query and every key head. */
  readonly qNorm: string | undefined;
  readonly kNorm: string | undefined;
  /** Sliding window in tokens. */
  readonly window: number | undefined;
}

/** A tensor that the output holds as f16 under its own name: the source's data, `copies` times. */
export interface StoredTensor {
  readonly name: string;
  readonly copies: number;
  /** Shape in the output. */
  readonly shape: readonly number[];
}

/** A model as a list of what to run and quantize, in order, by the names of its source tensors. */
export interface ModelPlan {
  readonly config: ModelConfig;
  /** Source tensor, (vocabSize, hiddenSize). */
  readonly embedding: string;
  /** Attention, MLP, attention, MLP, … */
  readonly modules: readonly ModuleSpec[];
  /** Source tensor, (hiddenSize). */
  readonly finalNorm: string;
  /** The output head; with tied embeddings its weight is the embedding. */
  readonly head: LinearSpec;
  readonly stored: readonly StoredTensor[];
  /** Tensors of the source that the architecture has no use for; worth a warning. */
  readonly unexpected: readonly string[];
}

/** A plan that has not been checked against any tensors. */
export type ModelOutline = Omit<ModelPlan, 'unexpected'>;

/**
 * Names everything that the model described by `config` has, and checks it against the headers of the source.
 * @throws InputError for a missing tensor or a wrong shape, UnsupportedError for another dtype than F32, F16, BF16.
 */
export function buildPlan(config: ModelConfig, tensors: ReadonlyMap<string, TensorInfo>): ModelPlan {
  const outline = outlineModel(config);
  const { architecture, layers, raw } = config;
  const context = { architecture, layers, statesTied: typeof raw['tie_word_embeddings'] === 'boolean' };
  return { ...outline, unexpected: checkTensors(requirements(outline), tensors, context) };
}

/** Names everything that the model described by `config` has. */
export function outlineModel(config: ModelConfig): ModelOutline {
  const architecture = ARCHITECTURES.get(config.architecture);
  assert(architecture, `no architecture ${config.architecture}`);
  const layers = Array.from({ length: config.layers }, (_, layer) => layer);
  const modules = layers.flatMap((layer) =>
    architecture.modules.map((layout) => describeModule(config, layout, layer)),
  );
  const head: LinearSpec = {
    name: HEAD,
    key: HEAD,
    k: config.hiddenSize,
    n: config.vocabSize,
    input: 'postNorm',
    weight: config.tiedEmbeddings ? EMBEDDING : HEAD_WEIGHT,
    bias: undefined,
  };
  const stored = storedTensors(config, modules);
  return { config, embedding: EMBEDDING, modules, finalNorm: FINAL_NORM, head, stored };
}

function describeModule(config: ModelConfig, layout: ModuleLayout, layer: number): ModuleSpec {
  const prefix = `model.layers.${layer}`;
  const key = `${prefix}.${layout.name}`;
  return {
    kind: layout.kind,
    key,
    layer,
    norm: `${prefix}.${layout.norm}.weight`,
    linears: layout.linears.map((linear) => describeLinear(config, linear, key)),
    qNorm: layout.headNorms ? `${key}.q_norm.weight` : undefined,
    kNorm: layout.headNorms ? `${key}.k_norm.weight` : undefined,
    window: layout.kind === 'attention' ? config.slidingWindows[layer] : undefined,
  };
}

function describeLinear(config: ModelConfig, layout: LinearLayout, moduleKey: string): LinearSpec {
  const key = `${moduleKey}.${layout.name}`;
  return {
    name: layout.name,
    key,
    k: width(config, layout.k),
    n: width(config, layout.n),
    input: layout.input,
    weight: `${key}.weight`,
    bias: hasBias(config, layout.bias) ? `${key}.bias` : undefined,
  };
}

function width(config: ModelConfig, dimension: Dimension): number {
  switch (dimension) {
    case 'hidden':
      return config.hiddenSize;
    case 'intermediate':
      return config.intermediateSize;
    case 'queries':
      return config.heads * config.headDim;
    case 'keyValues':
      return config.kvHeads * config.headDim;
  }
}

function hasBias(config: ModelConfig, rule: BiasRule): boolean {
  return rule === 'attentionBias' || rule === 'mlpBias' ? config[rule] : rule === 'always';
}

/** Every tensor that the source must have, with its shape, in the order in which they are used. */
export function requirements({ config, modules, head }: ModelOutline): readonly TensorRequirement[] {
  const { hiddenSize, headDim, vocabSize } = config;
  const linear = ({ weight, bias, k, n }: LinearSpec): TensorRequirement[] => [
    { name: weight, shape: [n, k] },
    ...(bias === undefined ? [] : [{ name: bias, shape: [n] }]),
  ];
  const module = ({ norm, qNorm, kNorm, linears }: ModuleSpec): TensorRequirement[] => [
    { name: norm, shape: [hiddenSize] },
    ...[qNorm, kNorm].flatMap((name) => (name === undefined ? [] : [{ name, shape: [headDim] }])),
    ...linears.flatMap(linear),
  ];
  return [
    { name: EMBEDDING, shape: [vocabSize, hiddenSize] },
    ...modules.flatMap(module),
    { name: FINAL_NORM, shape: [hiddenSize] },
    ...linear(head),
  ];
}

function storedTensors(config: ModelConfig, modules: readonly ModuleSpec[]): readonly StoredTensor[] {
  const { hiddenSize, headDim, heads, kvHeads, vocabSize } = config;
  const once = (name: string, shape: readonly number[]): StoredTensor => ({ name, copies: 1, shape });
  // EXL2-QUIRK 3: the loader wants the norm of a head once per head, (heads, headDim).
  const perHead = (name: string | undefined, copies: number): StoredTensor[] =>
    name === undefined ? [] : [{ name, copies, shape: [copies, headDim] }];
  return [
    once(EMBEDDING, [vocabSize, hiddenSize]),
    ...modules.flatMap(({ norm, qNorm, kNorm }) => [
      once(norm, [hiddenSize]),
      ...perHead(qNorm, heads),
      ...perHead(kNorm, kvHeads),
    ]),
    once(FINAL_NORM, [hiddenSize]),
  ];
}
