import type { Candidate } from '../exl2/candidates.ts';
import { describe } from '../exl2/params.ts';
import type { ModelPlan } from '../model/plan.ts';
import { moduleWeights } from '../model/sizes.ts';
import { type AllocationModule, allocate, budgetBits } from './allocate.ts';
import type { AllocationEvent } from './events.ts';
import type { Measurement } from './measurement-json.ts';

/** The chosen candidate of every module. */
export interface Strategy {
  readonly params: ReadonlyMap<string, Candidate>;
  readonly event: AllocationEvent;
}

/**
 * Chooses a candidate for every module: least error within the bits.
 * @param pinned candidates that are fixed, by the module's key.
 * @throws InputError when the bits do not suffice, or a pin names no module or candidate.
 */
export function optimize(
  plan: ModelPlan,
  measurement: Measurement,
  bits: number,
  pinned: Readonly<Record<string, number>> = {},
): Strategy {
  const modules = plan.modules.map((module): AllocationModule => {
    const candidates = measurement.modules.get(module.key)!;
    return {
      key: module.key,
      weights: moduleWeights(module),
      candidates: candidates.map(({ accuracy, totalBits }) => ({ totalBits, error: 1 - accuracy })),
    };
  });
  const allocation = allocate(modules, budgetBits(modules, bits), {
    pinned: new Map(Object.entries(pinned)),
  });
  const chosen = modules.map(({ key, weights, candidates }, i) => {
    const candidate = allocation.choice[i]!;
    const { totalBits, error } = candidates[candidate]!;
    const { params } = measurement.modules.get(key)![candidate]!;
    const description = describeCandidate(params);
    return { key, candidate, totalBits, bitsPerWeight: totalBits / weights, error, description, params };
  });
  return {
    params: new Map(chosen.map(({ key, params }) => [key, params])),
    event: {
      type: 'allocation',
      modules: chosen.map(({ params: _, ...module }) => module),
      bitsPerWeight: allocation.bitsPerWeight,
      budgetBits: allocation.budgetBits,
      usedBits: allocation.usedBits,
      sumError: allocation.errorSum,
      maxError: allocation.largestError,
      sumLogError: allocation.logErrorSum,
    },
  };
}

/** E.g. `q_proj 1:4b_128g s4, k_proj …`. */
export const describeCandidate = (candidate: Candidate): string =>
  Object.entries(candidate)
    .map(([linear, params]) => `${linear} ${describe(params)}`)
    .join(', ');
