import { DTYPES, elementCount } from '../tensor/dtype.ts';
import type { InputKey, LinearSpec, ModelPlan, ModelSpec, ModuleSpec } from './spec.ts';

export const linearWeights = ({ k, n }: LinearSpec): number => k * n;

const linearElements = (linear: LinearSpec): number =>
  linearWeights(linear) + (linear.bias === undefined ? 0 : linear.n);

const total = <T>(items: readonly T[], size: (item: T) => number): number =>
  items.reduce((sum, item) => sum + size(item), 0);

/** Of all tokens, those that each of a module's linears likely gets. */
export const tokenShare = ({ mixer }: Pick<ModuleSpec, 'mixer'>): number =>
  mixer.kind === 'experts' ? mixer.router.perToken / mixer.router.experts : 1;

/** Whether modules stand beside each other, so that what they read is kept. */
export const keepsInputs = ({ modules }: Pick<ModelPlan, 'modules'>): boolean =>
  modules.some((module) => module.keepsInput);

/** Weights of a module's linears; its bits per weight are counted over these. */
export const moduleWeights = ({ linears }: Pick<ModuleSpec, 'linears'>): number =>
  total(linears, linearWeights);

/** Width of each distinct input of a module's linears. */
export const inputSizes = ({ linears }: Pick<ModuleSpec, 'linears'>): Map<InputKey, number> =>
  new Map(linears.map(({ input, k }) => [input, k]));

/** All parameters of the source model; a tied head counts once, with the embedding. */
export function parameterCount(plan: ModelPlan): number {
  const linears = plan.modules.flatMap((module) => module.linears);
  const stored = total(plan.stored, ({ shape, copies = 1 }) => elementCount(shape) / copies);
  return (
    total(linears, linearElements) + stored + (plan.config.tiedEmbeddings ? 0 : linearElements(plan.head))
  );
}

/** Bytes of the tensors of the output that are not quantized. */
export const storedBytes = ({ stored }: Pick<ModelPlan, 'stored'>): number =>
  total(stored, ({ shape, dtype }) => elementCount(shape) * DTYPES[dtype].bytes);

/** Tokens of the longest row that the model can run: beyond learned positions there are none. */
export const longestRow = ({ positions, config }: Pick<ModelSpec, 'positions' | 'config'>): number =>
  positions === undefined ? Number.POSITIVE_INFINITY : config.maxPositions;

/** One module of each size, with how many there are: a model of many layers has two sizes. */
export function modulesBySize({ modules }: ModelPlan): { module: ModuleSpec; count: number }[] {
  const bySize = new Map<string, { module: ModuleSpec; count: number }>();
  for (const module of modules) {
    const size = JSON.stringify(
      module.linears.map(({ paramsName, k, n, bias }) => [paramsName, k, n, bias !== undefined]),
    );
    bySize.set(size, { module, count: (bySize.get(size)?.count ?? 0) + 1 });
  }
  return [...bySize.values()];
}
