import { assert } from '../util/errors.ts';
import type { ModelConfig } from './config/config.ts';
import type { BiasRule, Family, FusedNames, TensorNames } from './families/family.ts';
import { FAMILIES } from './families/registry.ts';
import { expertModules, type Unnumbered } from './resolve-experts.ts';
import {
  type AttentionSpec,
  type ChoiceSpec,
  type InputKey,
  type LinearSpec,
  type MlpSpec,
  MODULE_INPUT,
  type ModelSpec,
  type ModuleSpec,
  type NormSpec,
  type Role,
  type RowsPart,
  type StoredTensor,
} from './spec.ts';

/**
 * What a model of `config` consists of: the one place where a family's rules meet a model's numbers.
 * @param stored whether its files have the names of EXL2 models, whatever the family's own are called.
 */
export function resolveModel(config: ModelConfig, stored = false): ModelSpec {
  const family = familyOf(config);
  const names = namesOf(family, stored);
  const modules = Array.from({ length: config.layers }, (_, layer) => [
    attentionModule(config, family, names, layer),
    ...(config.experts
      ? expertModules(
          config,
          config.experts,
          family.tensors,
          names.source,
          blockOf(config, family, layer, family.tensors.mlp),
        )
      : [mlpModule(config, family, names, layer)]),
  ])
    .flat()
    .map((module, index): ModuleSpec => ({ ...module, index }));
  const embedding = `${names.source.embedding}.weight`;
  const { head: key } = family.tensors;
  const head: LinearSpec = {
    ...{ role: 'head', name: key, paramsName: key, key, input: MODULE_INPUT, part: undefined },
    ...{ k: config.hiddenSize, n: config.vocabSize, bias: undefined },
    weight: config.tiedEmbeddings ? embedding : `${names.source.head}.weight`,
  };
  const finalNorm = normSpec(config, family, family.tensors.finalNorm, config.hiddenSize);
  const table: StoredTensor = {
    ...{ name: `${family.tensors.embedding}.weight`, source: embedding },
    ...{ shape: [config.vocabSize, config.hiddenSize], copies: undefined, dtype: 'F16' },
  };
  return {
    ...{ config, embedding, modules, choices: choicesOf(modules), finalNorm, head },
    ...{ embeddingFactor: config.factors.embedding, logitFactor: config.factors.logits },
    logitSoftcap: config.softcaps.logits,
    stored: [table, ...onceEach(modules.flatMap(storedOf)), ...storedNorm(finalNorm)],
  };
}

function choicesOf(modules: readonly ModuleSpec[]): ChoiceSpec[] {
  const keys = [...new Set(modules.map(({ choice }) => choice))];
  return keys.map((key, index) => {
    const own = modules.filter(({ choice }) => choice === key);
    return { index, key, layer: own[0]!.layer, modules: own, linears: own.flatMap(({ linears }) => linears) };
  });
}

/** The family of a model, its prefix before the names. */
function familyOf({ architecture }: ModelConfig): Family {
  const family = FAMILIES.get(architecture);
  assert(family, `no architecture ${architecture}`);
  const { prefix = '', tensors } = family;
  const { embedding, finalNorm, head, layers } = tensors;
  return {
    ...family,
    tensors: {
      ...tensors,
      ...{ embedding: prefix + embedding, finalNorm: prefix + finalNorm },
      ...{ head: prefix + head, layers: prefix + layers },
    },
  };
}

/** Names of a family's tensors in its files. */
interface Names {
  readonly source: TensorNames;
  readonly fused: FusedNames;
}

function namesOf({ tensors, source = {} }: Family, stored: boolean): Names {
  const { attention, fused = {}, ...names } = stored ? {} : source;
  return { source: { ...tensors, ...names, attention: { ...tensors.attention, ...attention } }, fused };
}

function attentionModule(config: ModelConfig, family: Family, names: Names, layer: number): Unnumbered {
  const { heads, kvHeads, headDim, hiddenSize } = config;
  const { attention: rules, tensors } = family;
  const { module, ...own } = tensors.attention;
  const window = config.slidingWindows[layer];
  const prefix = `${tensors.layers}.${layer}`;
  const linear = linearsOf<'q' | 'k' | 'v' | 'o'>(config, prefix, tensors.attention, names.source.attention);
  const input = { input: MODULE_INPUT, k: hiddenSize, bias: rules.qkvBias };
  const parts = qkvParts(config, names.fused.qkv?.order);
  const headNorm = (name: string) =>
    rules.headNorms ? normSpec(config, family, `${prefix}.${module}.${name}`, headDim) : undefined;
  const fused = names.fused.qkv?.name;
  const mixer: AttentionSpec = {
    kind: 'attention',
    q: linear('q', { ...input, n: heads * headDim, fused, part: parts?.q }),
    k: linear('k', { ...input, n: kvHeads * headDim, fused, part: parts?.k }),
    v: linear('v', { ...input, n: kvHeads * headDim, fused, part: parts?.v }),
    o: linear('o', { input: 'attnOutput', k: heads * headDim, n: hiddenSize, bias: rules.oBias }),
    ...{ heads, kvHeads, headDim },
    rope: (window === undefined ? undefined : config.localRope) ?? config.rope,
    scale: family.factors?.scores ? config.factors.scores : 1 / Math.sqrt(headDim),
    softcap: config.softcaps.scores,
    ...{ qNorm: headNorm(own.qNorm), kNorm: headNorm(own.kNorm) },
    window,
  };
  const { q, k, v, o } = mixer;
  const block = blockOf(config, family, layer, own);
  const key = `${prefix}.self_attn`;
  return { ...block, key, choice: key, mixer, linears: [q, k, v, o] };
}

function mlpModule(config: ModelConfig, family: Family, names: Names, layer: number): Unnumbered {
  const { hiddenSize, intermediateSize: inner, activation } = config;
  const { mlp: rules, tensors } = family;
  const prefix = `${tensors.layers}.${layer}`;
  const linear = linearsOf<'gate' | 'up' | 'down'>(config, prefix, mlpNames(tensors), mlpNames(names.source));
  const fused = names.fused.gateUp;
  const half = (first: number): RowsPart | undefined =>
    fused === undefined ? undefined : { first, run: inner, stride: inner, total: 2 * inner };
  const input = { input: MODULE_INPUT, k: hiddenSize, n: inner, bias: rules.bias, fused };
  const mixer: MlpSpec = {
    kind: 'mlp',
    gate: tensors.mlp.gate === undefined ? undefined : linear('gate', { ...input, part: half(0) }),
    up: linear('up', { ...input, part: half(inner) }),
    down: linear('down', { input: 'preDown', k: inner, n: hiddenSize, bias: rules.bias }),
    activation,
  };
  const { gate, up, down } = mixer;
  const linears = [...(gate ? [gate] : []), up, down];
  const block = blockOf(config, family, layer, tensors.mlp);
  const key = `${prefix}.mlp`;
  return { ...block, key, choice: key, mixer, linears };
}

/** What all modules of a layer have, by the names of their norms. */
function blockOf(
  config: ModelConfig,
  family: Family,
  layer: number,
  { norm, postNorm }: { readonly norm: string; readonly postNorm?: string },
): Pick<ModuleSpec, 'layer' | 'norm' | 'postNorm' | 'residualFactor' | 'keepsInput'> {
  const spec = (name: string) =>
    normSpec(config, family, `${family.tensors.layers}.${layer}.${name}`, config.hiddenSize);
  return {
    ...{ layer, norm: spec(norm), residualFactor: config.factors.residual, keepsInput: false },
    postNorm: postNorm === undefined ? undefined : spec(postNorm),
  };
}

const mlpNames = ({ mlp }: TensorNames) => ({ ...mlp, gate: mlp.gate ?? '' });

/** The rows of q, k and v in one tensor. */
function qkvParts(
  { heads, kvHeads, headDim }: ModelConfig,
  order: 'qkv' | 'perKvHead' | undefined,
): Record<'q' | 'k' | 'v', RowsPart> | undefined {
  if (order === undefined) return undefined;
  const [queries, keys] = [heads * headDim, kvHeads * headDim];
  const total = queries + 2 * keys;
  const whole = (first: number, rows: number): RowsPart => ({ first, run: rows, stride: rows, total });
  if (order === 'qkv')
    return { q: whole(0, queries), k: whole(queries, keys), v: whole(queries + keys, keys) };
  const stride = total / kvHeads;
  const own = queries / kvHeads;
  return {
    q: { first: 0, run: own, stride, total },
    k: { first: own, run: headDim, stride, total },
    v: { first: own + headDim, run: headDim, stride, total },
  };
}

interface LinearRules {
  readonly input: InputKey;
  readonly k: number;
  readonly n: number;
  readonly bias: BiasRule;
  /** The tensor that has its rows among others', and where. */
  readonly fused?: string | undefined;
  readonly part?: RowsPart | undefined;
}

/** Describes linears of a module by their roles. */
const linearsOf =
  <R extends Exclude<Role, 'head' | 'router'>>(
    config: ModelConfig,
    prefix: string,
    names: Readonly<Record<R | 'module', string>>,
    source: Readonly<Record<R | 'module', string>>,
  ) =>
  (role: R, { bias, fused, part, ...shape }: LinearRules): LinearSpec => {
    const tensor = `${prefix}.${source.module}.${fused ?? source[role]}`;
    return {
      ...{
        role,
        name: `${role}_proj`,
        paramsName: `${role}_proj`,
        key: `${prefix}.${names.module}.${names[role]}`,
        part,
      },
      ...{ weight: `${tensor}.weight`, bias: hasBias(config, bias) ? `${tensor}.bias` : undefined },
      ...shape,
    };
  };

const hasBias = (config: ModelConfig, rule: BiasRule): boolean =>
  rule === 'always' || (rule !== 'never' && config[rule]);

const normSpec = (
  { normEps }: ModelConfig,
  { normOffset: offset = 0, layerNorms = false }: Family,
  name: string,
  size: number,
): NormSpec => ({
  ...{ weight: `${name}.weight`, size, epsilon: normEps, offset },
  ...{ kind: layerNorms ? 'layer' : 'rms', bias: layerNorms ? `${name}.bias` : undefined },
});

/** What modules beside each other share is there once. */
const onceEach = (tensors: readonly StoredTensor[]): StoredTensor[] => [
  ...new Map(tensors.map((tensor) => [tensor.name, tensor])).values(),
];

/** Norms and routers of a module. */
function storedOf({ norm, postNorm, mixer }: ModuleSpec): StoredTensor[] {
  const own = [norm, ...(postNorm ? [postNorm] : [])].flatMap(storedNorm);
  if (mixer.kind === 'experts') {
    const { key, weight, n, k } = mixer.router.linear;
    const name = `${key}.weight`;
    return [...own, { name, source: weight, shape: [n, k], copies: undefined, dtype: 'F16' }];
  }
  if (mixer.kind !== 'attention') return own;
  // EXL2-QUIRK 3: the loader wants the norm of a head once per head, (heads, headDim).
  const perHead = (each: NormSpec | undefined, copies: number): StoredTensor[] =>
    each
      ? [{ name: each.weight, source: each.weight, copies, shape: [copies, each.size], dtype: 'F16' }]
      : [];
  return [...own, ...perHead(mixer.qNorm, mixer.heads), ...perHead(mixer.kNorm, mixer.kvHeads)];
}

const storedNorm = ({ weight, bias, size }: NormSpec): StoredTensor[] =>
  [weight, ...(bias === undefined ? [] : [bias])].map((name) => ({
    ...{ name, source: name, shape: [size], copies: undefined, dtype: 'F16' },
  }));
