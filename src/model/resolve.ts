import { assert } from '../util/errors.ts';
import type { ModelConfig } from './config/config.ts';
import type { BiasRule, Family } from './families/family.ts';
import { FAMILIES } from './families/registry.ts';
import type {
  AttentionSpec,
  InputKey,
  LinearSpec,
  MlpSpec,
  ModelSpec,
  ModuleSpec,
  NormSpec,
  Role,
  StoredTensor,
} from './spec.ts';

/** What a model of `config` consists of: the one place where a family's rules meet a model's numbers. */
export function resolveModel(config: ModelConfig): ModelSpec {
  const family = FAMILIES.get(config.architecture);
  assert(family, `no architecture ${config.architecture}`);
  const { tensors } = family;
  const modules = Array.from({ length: config.layers }, (_, layer) => [
    attentionModule(config, family, layer),
    mlpModule(config, family, layer),
  ]).flat();
  const embedding = `${tensors.embedding}.weight`;
  const head: LinearSpec = {
    ...{ role: 'head', name: tensors.head, key: tensors.head, input: 'postNorm' },
    ...{ k: config.hiddenSize, n: config.vocabSize, bias: undefined },
    weight: config.tiedEmbeddings ? embedding : `${tensors.head}.weight`,
  };
  const finalNorm = normSpec(config, tensors.finalNorm, config.hiddenSize);
  const stored = [
    { name: embedding, shape: [config.vocabSize, config.hiddenSize], copies: undefined },
    ...modules.flatMap(storedNorms),
    storedNorm(finalNorm),
  ];
  return { config, embedding, modules, finalNorm, head, stored };
}

function attentionModule(config: ModelConfig, family: Family, layer: number): ModuleSpec {
  const { heads, kvHeads, headDim, hiddenSize } = config;
  const { attention: rules, tensors } = family;
  const names = tensors.attention;
  const key = `${tensors.layers}.${layer}.${names.module}`;
  const linear = linearsOf<'q' | 'k' | 'v' | 'o'>(config, key, names);
  const input = { input: 'postNorm', k: hiddenSize, bias: rules.qkvBias };
  const headNorm = (name: string) =>
    rules.headNorms ? normSpec(config, `${key}.${name}`, headDim) : undefined;
  const mixer: AttentionSpec = {
    kind: 'attention',
    q: linear('q', { ...input, n: heads * headDim }),
    k: linear('k', { ...input, n: kvHeads * headDim }),
    v: linear('v', { ...input, n: kvHeads * headDim }),
    o: linear('o', { input: 'attnOutput', k: heads * headDim, n: hiddenSize, bias: rules.oBias }),
    ...{ heads, kvHeads, headDim, rope: config.rope, scale: 1 / Math.sqrt(headDim) },
    ...{ qNorm: headNorm(names.qNorm), kNorm: headNorm(names.kNorm) },
    window: config.slidingWindows[layer],
  };
  const { q, k, v, o } = mixer;
  const norm = normSpec(config, `${tensors.layers}.${layer}.${names.norm}`, hiddenSize);
  return { index: 2 * layer, key, layer, norm, mixer, linears: [q, k, v, o] };
}

function mlpModule(config: ModelConfig, { mlp: rules, tensors }: Family, layer: number): ModuleSpec {
  const { hiddenSize, intermediateSize, activation } = config;
  const names = tensors.mlp;
  const key = `${tensors.layers}.${layer}.${names.module}`;
  const linear = linearsOf<'gate' | 'up' | 'down'>(config, key, names);
  const input = { input: 'postNorm', k: hiddenSize, n: intermediateSize, bias: rules.bias };
  const mixer: MlpSpec = {
    kind: 'mlp',
    gate: linear('gate', input),
    up: linear('up', input),
    down: linear('down', { input: 'preDown', k: intermediateSize, n: hiddenSize, bias: rules.bias }),
    activation,
  };
  const { gate, up, down } = mixer;
  const norm = normSpec(config, `${tensors.layers}.${layer}.${names.norm}`, hiddenSize);
  return { index: 2 * layer + 1, key, layer, norm, mixer, linears: [gate, up, down] };
}

interface LinearRules {
  readonly input: InputKey;
  readonly k: number;
  readonly n: number;
  readonly bias: BiasRule;
}

/** Describes linears of the module `moduleKey` by their roles. */
const linearsOf =
  <R extends Role>(config: ModelConfig, moduleKey: string, names: Readonly<Record<R, string>>) =>
  (role: R, { bias, ...shape }: LinearRules): LinearSpec => {
    const key = `${moduleKey}.${names[role]}`;
    const weight = `${key}.weight`;
    return {
      role,
      name: names[role],
      key,
      weight,
      bias: hasBias(config, bias) ? `${key}.bias` : undefined,
      ...shape,
    };
  };

const hasBias = (config: ModelConfig, rule: BiasRule): boolean =>
  rule === 'attentionBias' || rule === 'mlpBias' ? config[rule] : rule === 'always';

const normSpec = ({ normEps }: ModelConfig, name: string, size: number): NormSpec => ({
  ...{ weight: `${name}.weight`, size, epsilon: normEps },
});

function storedNorms({ norm, mixer }: ModuleSpec): StoredTensor[] {
  if (mixer.kind !== 'attention') return [storedNorm(norm)];
  // EXL2-QUIRK 3: the loader wants the norm of a head once per head, (heads, headDim).
  const perHead = (each: NormSpec | undefined, copies: number): StoredTensor[] =>
    each ? [{ name: each.weight, copies, shape: [copies, each.size] }] : [];
  return [storedNorm(norm), ...perHead(mixer.qNorm, mixer.heads), ...perHead(mixer.kNorm, mixer.kvHeads)];
}

const storedNorm = ({ weight, size }: NormSpec): StoredTensor => ({
  ...{ name: weight, shape: [size], copies: undefined },
});
