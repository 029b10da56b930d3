/** A layer's experts, as its family and config.json make them: see resolve.ts. */

import type { ExpertsConfig, ModelConfig } from './config/config.ts';
import type { TensorNames } from './families/family.ts';
import { type LinearSpec, type MlpSpec, MODULE_INPUT, type ModuleSpec, type RouterSpec } from './spec.ts';

/** A module that is yet to be numbered. */
export type Unnumbered = Omit<ModuleSpec, 'index'>;

/** A layer's experts, in modules that stand beside each other. */
export function expertModules(
  config: ModelConfig,
  experts: ExpertsConfig,
  tensors: TensorNames,
  source: TensorNames,
  block: Pick<ModuleSpec, 'layer' | 'norm' | 'postNorm' | 'residualFactor'>,
): Unnumbered[] {
  const prefix = `${tensors.layers}.${block.layer}`;
  const { count } = experts;
  const router: RouterSpec = {
    linear: routerLinear(config, prefix, tensors, source, count),
    ...{ experts: count, perToken: experts.perToken, normalized: experts.normalized },
  };
  const all = Array.from({ length: count }, (_, expert) =>
    expertMlp(config, prefix, tensors, source, expert),
  );
  const choice = `${prefix}.block_sparse_moe`;
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
  prefix: string,
  { mlp }: TensorNames,
  source: TensorNames,
  experts: number,
): LinearSpec {
  const key = `${prefix}.${mlp.module}.${mlp.router!}`;
  const weight = `${prefix}.${source.mlp.module}.${source.mlp.router!}.weight`;
  return {
    ...{ role: 'router', name: 'router', paramsName: 'router', key, weight },
    ...{ input: MODULE_INPUT, k: hiddenSize, n: experts, bias: undefined, part: undefined },
    ...{ transposed: false, normalized: false },
  };
}

/** What ExLlamaV2's measurements call the linears of an expert. */
const EXPERT_PARAMS = { gate: 'w1', up: 'w3', down: 'w2' } as const;

function expertMlp(
  { hiddenSize, intermediateSize: inner, activation }: ModelConfig,
  prefix: string,
  tensors: TensorNames,
  source: TensorNames,
  expert: number,
): MlpSpec {
  const nameIn = (names: TensorNames, role: 'gate' | 'up' | 'down') =>
    `${prefix}.${names.mlp.module}.${names.mlp[role]!.replace('*', String(expert))}`;
  const linear = (
    role: 'gate' | 'up' | 'down',
    shape: Pick<LinearSpec, 'input' | 'k' | 'n'>,
  ): LinearSpec => ({
    ...{ role, name: `${EXPERT_PARAMS[role]}.${expert}`, paramsName: EXPERT_PARAMS[role] },
    ...{ key: nameIn(tensors, role), weight: `${nameIn(source, role)}.weight` },
    ...{ bias: undefined, part: undefined, transposed: false, normalized: false },
    ...shape,
  });
  const input = { input: MODULE_INPUT, k: hiddenSize, n: inner };
  return {
    kind: 'mlp',
    gate: linear('gate', input),
    up: linear('up', input),
    down: linear('down', { input: `preDown.${expert}`, k: inner, n: hiddenSize }),
    activation,
  };
}
