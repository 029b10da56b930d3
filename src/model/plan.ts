import type { TensorInfo } from '../tensor/dtype.ts';
import { checkTensors } from './check/check-tensors.ts';
import type { TensorRequirement } from './check/requirement.ts';
import type { ModelConfig } from './config/config.ts';
import { FAMILIES } from './families/registry.ts';
import { filePrefix, resolveModel } from './resolve.ts';
import { normTensors } from './resolve-norms.ts';
import type { LinearSpec, ModelPlan, ModelSpec, ModuleSpec, NormSpec, StoredTensor } from './spec.ts';

/**
 * Names everything that the model described by `config` has, and checks it against the headers of the source.
 * @throws InputError for a missing tensor or a wrong shape, UnsupportedError for another dtype than F32, F16, BF16.
 */
export function buildPlan(config: ModelConfig, tensors: ReadonlyMap<string, TensorInfo>): ModelPlan {
  const model = resolveModel(config, false, filePrefix(config, tensors.keys()));
  const others = checkTensors(model, requirements(model), tensors);
  const { copied: prefixes = [], renamed = {} } = FAMILIES.get(config.architecture)!;
  const nameOf = (name: string) => {
    const end = Object.keys(renamed).find((each) => name.endsWith(each));
    return end === undefined ? name : name.slice(0, -end.length) + renamed[end]!;
  };
  const isCopied = (name: string) => prefixes.some((prefix) => name.startsWith(prefix));
  const copied = others.filter(isCopied).map((name): StoredTensor => {
    const { shape, dtype } = tensors.get(name)!;
    return { name: nameOf(name), source: name, shape, dtype, copies: undefined };
  });
  const unexpected = others.filter((name) => !isCopied(name));
  return { ...model, stored: [...model.stored, ...copied], unexpected };
}

/** Every tensor that the source must have, with its shape, in the order in which they are used. */
export function requirements(model: ModelSpec): readonly TensorRequirement[] {
  const { config, embedding, positions, modules, finalNorm, head } = model;
  const { vocabSize, maxPositions, hiddenSize } = config;
  return once([
    { name: embedding, shape: [vocabSize, hiddenSize] },
    ...(positions === undefined ? [] : [{ name: positions, shape: [maxPositions, hiddenSize] }]),
    ...modules.flatMap((module) => [
      ...normsOf(module).flatMap(ofNorm),
      ...[...routerOf(module), ...module.linears].flatMap(ofLinear),
    ]),
    ...ofNorm(finalNorm),
    ...ofLinear(head),
  ]);
}

/** A module's own norms, and those of its heads. */
export function normsOf({ norm, postNorm, mixer }: ModuleSpec): NormSpec[] {
  const ofHeads = mixer.kind === 'attention' ? [mixer.qNorm, mixer.kNorm] : [];
  return [norm, postNorm, ...ofHeads].filter((each) => each !== undefined);
}

/** A module's router, where it has one. */
export const routerOf = ({ mixer }: ModuleSpec): LinearSpec[] =>
  mixer.kind === 'experts' ? [mixer.router.linear] : [];

const ofNorm = (norm: NormSpec): TensorRequirement[] =>
  normTensors(norm).map(({ source: name, shape }) => ({ name, shape }));

/** Shape of the tensor that has a linear's weight, maybe among others'. */
export const weightShape = ({ part, inputs, transposed, k, n }: LinearSpec): readonly [number, number] =>
  transposed ? [inputs?.total ?? k, part?.total ?? n] : [part?.total ?? n, k];

const ofLinear = (linear: LinearSpec): TensorRequirement[] => {
  const { weight, bias, part, n } = linear;
  return [
    { name: weight, shape: weightShape(linear) },
    ...(bias === undefined ? [] : [{ name: bias, shape: [part?.total ?? n] }]),
  ];
};

/** Linears whose rows lie in one tensor need it once. */
const once = (all: readonly TensorRequirement[]): TensorRequirement[] => [
  ...new Map(all.map((each) => [each.name, each])).values(),
];

/** Where rows of a linear (columns of a transposed one) from `start` on lie in its tensor, as many as lie together and at most `most`. */
export function rowsFrom(
  { part }: LinearSpec,
  start: number,
  most: number,
): { first: number; count: number } {
  if (!part) return { first: start, count: most };
  const { first, run, stride } = part;
  const at = start % run;
  return { first: first + Math.floor(start / run) * stride + at, count: Math.min(most, run - at) };
}
