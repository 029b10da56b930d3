import type { ModelDirectory } from '../io/model/model-directory.ts';
import { parameterCount } from '../model/sizes.ts';
import type { ModelPlan } from '../model/spec.ts';

/** What people want to know of a model before it is converted. */
export interface ModelSummary {
  /** Path or name of its folder. */
  readonly name: string;
  readonly architecture: string;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly vocabSize: number;
  readonly parameters: number;
  /** Of the weights, e.g. `F16`. */
  readonly dtypes: readonly string[];
  /** Of the weight files. */
  readonly bytes: number;
}

export function modelSummary(source: ModelDirectory, plan: ModelPlan): ModelSummary {
  const { architecture, layers, hiddenSize, vocabSize } = plan.config;
  const linears = [...plan.modules.flatMap((module) => module.linears), plan.head];
  return {
    name: source.name,
    architecture,
    layers,
    hiddenSize,
    vocabSize,
    parameters: parameterCount(plan),
    dtypes: [...new Set(linears.map(({ weight }) => source.requireInfo(weight).dtype))].sort(),
    bytes: source.weightFiles().reduce((sum, { size }) => sum + size, 0),
  };
}
