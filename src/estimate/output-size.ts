/** What an output takes, on disk and on a GPU, from the model's plan. */

import { headParams } from '../exl2/candidates.ts';
import { packedTensorInfos } from '../exl2/packed-linear.ts';
import { BIT_WIDTHS, type BitWidth } from '../exl2/params.ts';
import { headerLength, planShard } from '../io/safetensors/writer.ts';
import type { PlanEvent } from '../job/events.ts';
import { moduleWeights, storedBytes } from '../model/sizes.ts';
import type { LinearSpec, ModelPlan, ModuleSpec } from '../model/spec.ts';
import { byteLength, type TensorInfo } from '../tensor/dtype.ts';

/** Bytes of an output's weight files. */
type WeightParts = Omit<PlanEvent['outputParts'], 'copied'>;

/** @param usedBits of all attention and MLP modules together. */
export function weightParts(plan: ModelPlan, headBits: BitWidth, usedBits: number): WeightParts {
  const head = packedInfos(plan.head, headBits);
  // Names and shapes, and so the header's length, hardly depend on the parameters.
  const linears = plan.modules.flatMap((module) => module.linears);
  const infos = [
    ...plan.stored.map(({ name, shape, dtype }): TensorInfo => ({ name, dtype, shape })),
    ...linears.flatMap((linear) => packedInfos(linear, headBits)),
    ...head,
  ];
  return {
    modules: Math.ceil(usedBits / 8) + headerLength(planShard('', infos)),
    head: sum(head, byteLength),
    stored: storedBytes(plan),
  };
}

/** As {@link weightParts}, all together. */
export const weightBytes = (plan: ModelPlan, headBits: BitWidth, usedBits: number): number =>
  sum(Object.values(weightParts(plan, headBits, usedBits)), (bytes) => bytes);

/** What it takes of a GPU's memory to run an output: the weights of its modules at their bits, and besides: */
export interface RunningNeed {
  /** Weights of the attention and MLP modules, which bits per weight are counted over. */
  readonly weights: number;
  /** Bytes of all other weights, by the bits of the head. The embedding stays in main memory. */
  readonly otherBytes: Readonly<Record<BitWidth, number>>;
  /** Bytes of the keys and values of a token, in f16. */
  readonly tokenBytes: number;
}

export function runningNeed(plan: ModelPlan): RunningNeed {
  const onGpu = storedBytes({ stored: plan.stored.filter(({ source }) => source !== plan.embedding) });
  const otherBytes = BIT_WIDTHS.map(
    (bits) => [bits, onGpu + sum(packedInfos(plan.head, bits), byteLength)] as const,
  );
  return {
    weights: sum(plan.modules, moduleWeights),
    otherBytes: Object.fromEntries(otherBytes) as Record<BitWidth, number>,
    tokenBytes: sum(plan.modules, ({ mixer }) => cachedValues(mixer)) * F16_BYTES,
  };
}

const F16_BYTES = 2;

/** Of a token: keys and values. */
const cachedValues = (mixer: ModuleSpec['mixer']): number =>
  mixer.kind === 'attention' ? 2 * mixer.kvHeads * mixer.headDim : 0;

const packedInfos = ({ key, k, n, bias }: LinearSpec, headBits: BitWidth): TensorInfo[] =>
  packedTensorInfos(key, k, n, headParams(headBits), bias !== undefined);

const sum = <T>(items: readonly T[], value: (item: T) => number): number =>
  items.reduce((total, item) => total + value(item), 0);
