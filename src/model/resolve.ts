import { assert } from '../util/errors.ts';
import type { ModelConfig } from './config/config.ts';
import type { RopeParams } from './config/rope.ts';
import type { BiasRule, Family, FusedNames, TensorNames } from './families/family.ts';
import { FAMILIES } from './families/registry.ts';
import { expertModules, type Unnumbered } from './resolve-experts.ts';
import { headNormSpec, inside, normSpec, type Place, storedNorm, storedOf } from './resolve-norms.ts';
import {
  type AttentionSpec,
  type ChoiceSpec,
  type InputKey,
  type LinearSpec,
  type MlpSpec,
  MODULE_INPUT,
  type ModelSpec,
  type ModuleSpec,
  type Role,
  type RowsPart,
  type StoredTensor,
} from './spec.ts';

/**
 * What a model of `config` consists of: the one place where a family's rules meet a model's numbers.
 * @param stored whether its files have the names of EXL2 models, whatever the family's own are called.
 * @param prefix what stands before the names in its files ({@link filePrefix}).
 */
export function resolveModel(config: ModelConfig, stored = false, prefix = ''): ModelSpec {
  const family = familyOf(config);
  const names = namesOf(family, stored, prefix);
  const { hiddenSize, vocabSize, maxPositions } = config;
  const modules = Array.from({ length: config.layers }, (_, layer) => [
    attentionModule(config, family, names, layer),
    ...(config.experts
      ? expertModules(
          config,
          config.experts,
          placeOf(family, names, layer),
          { own: family.tensors.mlp, source: names.source.mlp, stacked: names.stackedExperts },
          blockOf(config, family, names, layer, 'mlp'),
        )
      : [mlpModule(config, family, names, layer)]),
  ])
    .flat()
    .map((module, index): ModuleSpec => ({ ...module, index }));
  const embedding = `${names.source.embedding}.weight`;
  const { head: key, finalNorm: normKey, ...keys } = family.tensors;
  const head: LinearSpec = {
    ...{ role: 'head', name: key, paramsName: key, key, input: MODULE_INPUT },
    ...{ k: hiddenSize, n: vocabSize, bias: undefined, transposed: false },
    ...{ part: undefined, inputs: undefined },
    weight: config.tiedEmbeddings ? embedding : `${names.source.head}.weight`,
    // An EXL2 model has it as it is used.
    normalized: config.normHead && !stored,
  };
  const finalNorm = normSpec(config, family, { key: normKey, source: names.source.finalNorm }, hiddenSize);
  const table = (name: string, source: string, rows: number): StoredTensor => ({
    ...{ name: `${name}.weight`, source, shape: [rows, hiddenSize], copies: undefined, dtype: 'F16' },
  });
  const positions = names.source.positions && `${names.source.positions}.weight`;
  return {
    ...{ config, embedding, positions, modules, choices: choicesOf(modules), finalNorm, head },
    ...{ embeddingFactor: config.factors.embedding, logitFactor: config.factors.logits },
    logitSoftcap: config.softcaps.logits,
    stored: [
      table(keys.embedding, embedding, vocabSize),
      ...(keys.positions && positions ? [table(keys.positions, positions, maxPositions)] : []),
      ...onceEach(modules.flatMap(storedOf)),
      ...storedNorm(finalNorm),
    ],
  };
}

/** What stands before the names of tensors in files with these, of families that are saved with and without it. */
export function filePrefix({ architecture }: ModelConfig, tensors: Iterable<string>): string {
  const { prefix = '' } = FAMILIES.get(architecture)?.source ?? {};
  return [...tensors].some((name) => name.startsWith(prefix)) ? prefix : '';
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
  readonly transposed: boolean;
  readonly stackedExperts: boolean;
}

function namesOf({ tensors, source = {} }: Family, stored: boolean, prefix: string): Names {
  const { attention, mlp, ...others } = stored ? {} : source;
  const { fused = {}, transposed = false, stackedExperts = false, ...names } = others;
  const own = { ...tensors, ...names };
  const prefixed = {
    ...{ embedding: prefix + own.embedding, finalNorm: prefix + own.finalNorm, layers: prefix + own.layers },
    ...(own.positions !== undefined && { positions: prefix + own.positions }),
    attention: { ...tensors.attention, ...attention },
    mlp: { ...tensors.mlp, ...mlp },
  };
  return { source: { ...own, ...prefixed }, fused, transposed, stackedExperts };
}

const placeOf = ({ tensors }: Family, { source }: Names, layer: number): Place => ({
  key: `${tensors.layers}.${layer}`,
  source: `${source.layers}.${layer}`,
});

function attentionModule(config: ModelConfig, family: Family, names: Names, layer: number): Unnumbered {
  const { heads, kvHeads, headDim, hiddenSize } = config;
  const { attention: rules, tensors } = family;
  const { module, ...own } = tensors.attention;
  const window = config.slidingWindows[layer];
  const place = placeOf(family, names, layer);
  const { attention: sources } = names.source;
  const linear = linearsOf<'q' | 'k' | 'v' | 'o'>(config, names, place, tensors.attention, sources);
  const input = { input: MODULE_INPUT, k: hiddenSize, bias: rules.qkvBias };
  const parts = qkvParts(config, names.fused.qkv?.order);
  const headNorm = (name: 'qNorm' | 'kNorm', count: number) => {
    const inSource = `${sources.module}.${sources[name]}`;
    return headNormSpec(config, family, inside(place, `${module}.${own[name]}`, inSource), count);
  };
  const fused = names.fused.qkv?.name;
  const mixer: AttentionSpec = {
    kind: 'attention',
    q: linear('q', { ...input, n: heads * headDim, fused, part: parts?.q }),
    k: linear('k', { ...input, n: kvHeads * headDim, fused, part: parts?.k }),
    v: linear('v', { ...input, n: kvHeads * headDim, fused, part: parts?.v }),
    o: linear('o', { input: 'attnOutput', k: heads * headDim, n: hiddenSize, bias: rules.oBias }),
    ...{ heads, kvHeads, headDim },
    rope: isRotated(family, window) ? ropeOf(config, window) : undefined,
    scale: family.factors?.scores ? config.factors.scores : 1 / Math.sqrt(headDim),
    softcap: config.softcaps.scores,
    ...{ qNorm: headNorm('qNorm', heads), kNorm: headNorm('kNorm', kvHeads) },
    ...{ window, clip: config.clip },
  };
  const { q, k, v, o } = mixer;
  const block = blockOf(config, family, names, layer, 'attention');
  const key = `${place.key}.${family.parallel ? 'parallel_decoder.attn' : 'self_attn'}`;
  const keepsInput = family.parallel === true;
  return { ...block, key, choice: key, keepsInput, mixer, linears: [q, k, v, o] };
}

const isRotated = ({ tensors, rope }: Family, window: number | undefined): boolean =>
  tensors.positions === undefined && !(rope?.windowsOnly && window === undefined);

function mlpModule(config: ModelConfig, family: Family, names: Names, layer: number): Unnumbered {
  const { hiddenSize, intermediateSize: inner, activation } = config;
  const { mlp: rules, tensors } = family;
  const place = placeOf(family, names, layer);
  const sources = mlpNames(names.source);
  const linear = linearsOf<'gate' | 'up' | 'down'>(config, names, place, mlpNames(tensors), sources);
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
  const block = blockOf(config, family, names, layer, 'mlp');
  const key = `${place.key}.${family.parallel ? 'parallel_decoder.mlp' : 'mlp'}`;
  return { ...block, key, choice: key, mixer, linears };
}

/** What all modules of a layer have, its norms among it. */
function blockOf(
  config: ModelConfig,
  family: Family,
  names: Names,
  layer: number,
  kind: 'attention' | 'mlp',
): Pick<ModuleSpec, 'layer' | 'norm' | 'postNorm' | 'residualFactor' | 'keepsInput'> {
  const place = placeOf(family, names, layer);
  const [own, sources] = [family.tensors[kind], names.source[kind]];
  const spec = (name: string, source: string | undefined) =>
    normSpec(config, family, inside(place, name, source), config.hiddenSize);
  return {
    norm: spec(own.norm, sources.norm),
    postNorm: own.postNorm === undefined ? undefined : spec(own.postNorm, sources.postNorm),
    ...{ layer, residualFactor: config.factors.residual, keepsInput: false },
  };
}

const mlpNames = ({ mlp }: TensorNames) => ({ ...mlp, gate: mlp.gate ?? '' });

const ropeOf = ({ rope, localRope }: ModelConfig, window: number | undefined): RopeParams =>
  (window === undefined ? undefined : localRope) ?? rope;

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
    { transposed }: Pick<Names, 'transposed'>,
    place: Place,
    names: Readonly<Record<R | 'module', string>>,
    source: Readonly<Record<R | 'module', string>>,
  ) =>
  (role: R, { bias, fused, part, ...shape }: LinearRules): LinearSpec => {
    const tensor = `${place.source}.${source.module}.${fused ?? source[role]}`;
    return {
      ...{
        role,
        name: `${role}_proj`,
        paramsName: `${role}_proj`,
        key: `${place.key}.${names.module}.${names[role]}`,
        part,
      },
      ...{ transposed, normalized: false, inputs: undefined },
      ...{ weight: `${tensor}.weight`, bias: hasBias(config, bias) ? `${tensor}.bias` : undefined },
      ...shape,
    };
  };

const hasBias = (config: ModelConfig, rule: BiasRule): boolean =>
  rule === 'always' || (rule !== 'never' && config[rule]);

/** What modules beside each other share is there once. */
const onceEach = (tensors: readonly StoredTensor[]): StoredTensor[] => [
  ...new Map(tensors.map((tensor) => [tensor.name, tensor])).values(),
];
