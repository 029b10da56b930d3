import type { Candidate } from '../exl2/candidates.ts';
import type { QuantizerMethod } from '../gptq/method.ts';
import type { AllocationEvent } from '../job/events.ts';
import { errorOf, type Measurement } from '../measurement/measurement-json.ts';
import { describeCandidate } from '../measurement/module-candidates.ts';
import { moduleWeights } from '../model/sizes.ts';
import type { ModelPlan } from '../model/spec.ts';
import { type AllocationModule, allocate, budgetBits } from './allocate.ts';

/** The chosen candidate of every choice. */
export interface Strategy {
  /** By the choice's key. */
  readonly params: ReadonlyMap<string, Candidate>;
  /** As ExLlamaV2 takes it, by the choice's key. */
  readonly accuracies: ReadonlyMap<string, number>;
  readonly event: AllocationEvent;
}

/**
 * Chooses a candidate for every choice: least error within the bits.
 * @param method tells which error a measurement that has several is taken by.
 * @param pinned candidates that are fixed, by the choice's key.
 * @throws InputError when the bits do not suffice, or a pin names no module or candidate.
 */
export function optimize(
  plan: ModelPlan,
  measurement: Measurement,
  method: QuantizerMethod,
  bits: number,
  pinned: Readonly<Record<string, number>> = {},
): Strategy {
  const modules = plan.choices.map((choice): AllocationModule => {
    const candidates = measurement.modules.get(choice.key)!;
    return {
      key: choice.key,
      weights: moduleWeights(choice),
      candidates: candidates.map((candidate) => ({
        totalBits: candidate.totalBits,
        error: errorOf(method, candidate),
      })),
    };
  });
  const allocation = allocate(modules, budgetBits(modules, bits), {
    pinned: new Map(Object.entries(pinned)),
  });
  const chosen = modules.map(({ key, weights, candidates }, i) => {
    const candidate = allocation.choice[i]!;
    const { totalBits, error } = candidates[candidate]!;
    const { params, accuracy } = measurement.modules.get(key)![candidate]!;
    const description = describeCandidate(params);
    const bitsPerWeight = totalBits / weights;
    return { module: { key, candidate, totalBits, bitsPerWeight, error, description }, params, accuracy };
  });
  return {
    params: new Map(chosen.map(({ module, params }) => [module.key, params])),
    accuracies: new Map(chosen.map(({ module, accuracy }) => [module.key, accuracy])),
    event: {
      type: 'allocation',
      modules: chosen.map(({ module }) => module),
      bitsPerWeight: allocation.bitsPerWeight,
      budgetBits: allocation.budgetBits,
      usedBits: allocation.usedBits,
      sumError: allocation.errorSum,
      maxError: allocation.largestError,
      sumLogError: allocation.logErrorSum,
    },
  };
}
