/** A layer's experts, as its family and config.json make them: see resolve.ts. */

import type { ModelConfig } from './config/config.ts';
import type { ExpertsConfig } from './config/experts.ts';
import type { TensorNames } from './families/family.ts';
import { inside, type Place } from './resolve-norms.ts';
import { type LinearSpec, type MlpSpec, MODULE_INPUT, type ModuleSpec, type RouterSpec } from './spec.ts';

/** A module that is yet to be numbered. */
export type Unnumbered = Omit<ModuleSpec, 'index'>;

/** What a layer's experts are called in the output and in the source. */
interface ExpertNames {
  readonly own: TensorNames['mlp'];
  readonly source: TensorNames['mlp'];
  /** The source has a tensor for all experts' weights of a kind: `SourceNames`. */
  readonly stacked: boolean;
}

/** A layer's experts, in modules that stand beside each other. @param place of the layer. */
export function expertModules(
  config: ModelConfig,
  experts: ExpertsConfig,
  place: Place,
  names: ExpertNames,
  block: Pick<ModuleSpec, 'layer' | 'norm' | 'postNorm' | 'residualFactor'>,
): Unnumbered[] {
  const { count } = experts;
  const router: RouterSpec = {
    linear: routerLinear(config, place, names, count),
    ...{ experts: count, perToken: experts.perToken, normalized: experts.normalized },
  };
  const all = Array.from({ length: count }, (_, expert) => expertMlp(config, place, names, expert, count));
  const choice = `${place.key}.block_sparse_moe`;
  return expertRanges(config, count).map(({ start, end }): Unnumbered => {
    const own = all.slice(start, end);
    const numbers = start === end - 1 ? String(start) : `${start}-${end - 1}`;
    return {
      ...block,
      choice,
      key: own.length === count ? choice : `${choice}.experts.${numbers}`,
      keepsInput: end < count,
      mixer: { kind: 'experts', router, first: start, experts: own },
      linears: own.flatMap(({ gate, up, down }) => [...(gate ? [gate] : []), up, down]),
    };
  });
}

/** Experts that are loaded and quantized together have at most so many times the weights of the layer's attention. */
const EXPERTS_PER_ATTENTION = 4;

/** So that a layer of many experts takes no more memory than one of a model without, or than one expert does. */
function expertRanges(
  { hiddenSize, intermediateSize, heads, kvHeads, headDim }: ModelConfig,
  count: number,
): { start: number; end: number }[] {
  const attention = 2 * hiddenSize * headDim * (heads + kvHeads);
  const expert = 3 * hiddenSize * intermediateSize;
  const most = Math.max(1, Math.floor((EXPERTS_PER_ATTENTION * attention) / expert));
  const groups = Math.ceil(count / most);
  return Array.from({ length: groups }, (_, i) => ({
    start: Math.round((i * count) / groups),
    end: Math.round(((i + 1) * count) / groups),
  }));
}

function routerLinear(
  { hiddenSize }: ModelConfig,
  place: Place,
  names: ExpertNames,
  experts: number,
): LinearSpec {
  const { key, source } = placeOf(place, names, 'router');
  return {
    ...{ role: 'router', name: 'router', paramsName: 'router', key, weight: `${source}.weight` },
    ...{ input: MODULE_INPUT, k: hiddenSize, n: experts, bias: undefined, part: undefined },
    ...{ transposed: false, inputs: undefined, normalized: false },
  };
}

const placeOf = (place: Place, { own, source }: ExpertNames, name: 'router' | ExpertRole): Place =>
  inside(place, `${own.module}.${own[name]!}`, `${source.module}.${source[name]!}`);

/** What ExLlamaV2's measurements call the linears of an expert. */
const EXPERT_PARAMS = { gate: 'w1', up: 'w3', down: 'w2' } as const;
type ExpertRole = keyof typeof EXPERT_PARAMS;

function expertMlp(
  { hiddenSize, intermediateSize: inner, activation }: ModelConfig,
  place: Place,
  names: ExpertNames,
  expert: number,
  count: number,
): MlpSpec {
  const linear = (role: ExpertRole, shape: Pick<LinearSpec, 'input' | 'k' | 'n'>): LinearSpec => {
    const { key, source } = placeOf(place, names, role);
    const numbered = (name: string) => name.replace('*', String(expert));
    return {
      ...{ role, name: `${EXPERT_PARAMS[role]}.${expert}`, paramsName: EXPERT_PARAMS[role] },
      ...{ key: numbered(key), bias: undefined, normalized: false },
      ...(names.stacked
        ? { weight: source, ...inStack(role, inner, expert, count) }
        : { weight: `${numbered(source)}.weight`, part: undefined, transposed: false, inputs: undefined }),
      ...shape,
    };
  };
  const input = { input: MODULE_INPUT, k: hiddenSize, n: inner };
  return {
    kind: 'mlp',
    gate: linear('gate', input),
    up: linear('up', input),
    down: linear('down', { input: `preDown.${expert}`, k: inner, n: hiddenSize }),
    activation,
  };
}

/** Where an expert's weight lies among all experts': `inner` rows, of `down` as (inputs, outputs). */
function inStack(
  role: ExpertRole,
  inner: number,
  expert: number,
  count: number,
): Pick<LinearSpec, 'part' | 'transposed' | 'inputs'> {
  const [first, total] = [expert * inner, count * inner];
  return role === 'down'
    ? { part: undefined, transposed: true, inputs: { first, total } }
    : { part: { first, run: inner, stride: inner, total }, transposed: false, inputs: undefined };
}
