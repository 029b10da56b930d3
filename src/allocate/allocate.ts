/** Which candidate every module takes, so that the model fits into its bits and errs as little as possible. */

import { InputError } from '../util/errors.ts';
import { relaxedChoice, solveKnapsack } from './knapsack.ts';
import { minimizeLogError } from './log-error.ts';

export interface AllocationCandidate {
  readonly totalBits: number;
  /** 1 − accuracy. */
  readonly error: number;
}

/** What is known of a module before it is measured. */
export interface SizedModule {
  /** E.g. `model.layers.0.mlp`. */
  readonly key: string;
  /** Σ k·n of its linears. */
  readonly weights: number;
  readonly candidates: readonly Pick<AllocationCandidate, 'totalBits'>[];
}

export interface AllocationModule extends SizedModule {
  readonly candidates: readonly AllocationCandidate[];
}

export interface Allocation {
  /** Index of the candidate for each module, in their order. */
  readonly choice: readonly number[];
  readonly usedBits: number;
  readonly budgetBits: number;
  /** usedBits / Σ weights. */
  readonly bitsPerWeight: number;
  readonly norm: number;
  /** Σ error^norm. */
  readonly errorSum: number;
  readonly largestError: number;
  /** Σ log error. */
  readonly logErrorSum: number;
  /** No allocation within the budget has a smaller Σ error^norm. */
  readonly bound: number;
  /** errorSum / bound − 1: how far from the optimum this is at most. */
  readonly gap: number;
}

export interface AllocationOptions {
  /** Candidates that the user has fixed, by the module's key. */
  readonly pinned?: ReadonlyMap<string, number>;
}

/** ExLlamaV2 looks for a norm in 1.5…3.5 anew in every run; this is a little below where it ends (2.3 and 2.5). */
const NORM = 2.2;

/** Σ error^norm hardly changes near its optimum while Σ log error still does, so this share of it is given up. */
const TOLERANCE = 0.008;

/** An error of zero must not make a logarithm infinite. */
const LEAST_ERROR = 1e-9;

/**
 * Bits for all measured modules together: floor(bitsPerWeight · Σ weights). The head has bits of its own.
 *
 * EXL2-QUIRK 2: norms and biases do not add to the weights, though biases add to the bits.
 */
export const budgetBits = (modules: readonly SizedModule[], bitsPerWeight: number): number =>
  Math.floor(bitsPerWeight * weightCount(modules));

const weightCount = (modules: readonly SizedModule[]): number =>
  modules.reduce((sum, { weights }) => sum + weights, 0);

/**
 * First the least Σ error^norm within the budget; then, at most 0.8 % above it and with no larger greatest error, as
 * small a Σ log error as is found. The same input always gives the same allocation.
 *
 * @throws InputError when the budget is too small for the modules, or a pin names no module or candidate.
 */
export function allocate(
  modules: readonly AllocationModule[],
  budget: number,
  { pinned = new Map() }: AllocationOptions = {},
): Allocation {
  const open = openCandidates(modules, pinned);
  checkBudget(modules, budget, open);
  const classes = modules.map(({ candidates }, i) =>
    open[i]!.map((index) => {
      const { totalBits, error } = candidates[index]!;
      return { index, error, bits: totalBits, power: power(error), logarithm: logarithm(error) };
    }),
  );
  const { choice, bound } = solveKnapsack(
    classes.map((options) => options.map(({ power, bits }) => ({ value: power, cost: bits }))),
    budget,
  );
  const least = choice.map((option, i) => classes[i]![option]!);
  const largest = Math.max(...least.map(({ error }) => error));
  const even = classes.map((options) => options.filter(({ error }) => error <= largest));
  const start = least.map((option, i) => even[i]!.indexOf(option));
  const most = (1 + TOLERANCE) * least.reduce((sum, option) => sum + option.power, 0);
  const chosen = minimizeLogError(even, start, { bits: budget, power: most }).map(
    (option, i) => even[i]![option]!.index,
  );
  return describeAllocation(modules, chosen, budget, bound);
}

/**
 * What {@link allocate} begins with, at once: for a look while there is more to measure. Where the budget is too small:
 * the smallest candidates.
 */
export const roughChoice = (
  modules: readonly Pick<AllocationModule, 'candidates'>[],
  budget: number,
): number[] =>
  relaxedChoice(
    modules.map(({ candidates }) =>
      candidates.map(({ totalBits, error }) => ({ value: power(error), cost: totalBits })),
    ),
    budget,
  );

const power = (error: number): number => error ** NORM;

const logarithm = (error: number): number => Math.log(Math.max(error, LEAST_ERROR));

/** For each module the indices of the candidates that it may take. */
function openCandidates(
  modules: readonly AllocationModule[],
  pinned: ReadonlyMap<string, number>,
): number[][] {
  const known = new Set(modules.map(({ key }) => key));
  for (const key of pinned.keys()) {
    if (!known.has(key))
      throw new InputError(`A candidate is fixed for ${key}, which is no measured module.`);
  }
  return modules.map(({ key, candidates }) => {
    const pin = pinned.get(key);
    if (pin === undefined) return candidates.map((_, index) => index);
    if (candidates[pin] === undefined) {
      throw new InputError(`Candidate ${pin} is fixed for ${key}, which has 0…${candidates.length - 1}.`);
    }
    return [pin];
  });
}

/**
 * @param open the indices of the candidates that each module may take; if not given: all.
 * @throws InputError that names the possible range when the smallest candidates exceed the budget.
 */
export function checkBudget(
  modules: readonly SizedModule[],
  budget: number,
  open: readonly (readonly number[])[] = modules.map(({ candidates }) => [...candidates.keys()]),
): void {
  const sum = (pick: (...bits: number[]) => number): number =>
    open.reduce(
      (total, indices, i) =>
        total + pick(...indices.map((index) => modules[i]!.candidates[index]!.totalBits)),
      0,
    );
  const smallest = sum(Math.min);
  if (smallest <= budget) return;
  const weights = weightCount(modules);
  // Rounded so that both ends can be asked for.
  const lowest = Math.ceil((smallest / weights) * 1000) / 1000;
  const highest = Math.floor((sum(Math.max) / weights) * 1000) / 1000;
  throw new InputError(
    `${(budget / weights).toFixed(3)} bits per weight is too little: the candidates of these ${modules.length} ` +
      `modules allow ${lowest} to ${highest}. Ask for at least ${lowest}, or fix fewer modules.`,
  );
}

function describeAllocation(
  modules: readonly AllocationModule[],
  choice: readonly number[],
  budget: number,
  bound: number,
): Allocation {
  const chosen = choice.map((candidate, i) => modules[i]!.candidates[candidate]!);
  const usedBits = chosen.reduce((sum, { totalBits }) => sum + totalBits, 0);
  const errorSum = chosen.reduce((sum, { error }) => sum + power(error), 0);
  return {
    choice,
    usedBits,
    budgetBits: budget,
    bitsPerWeight: usedBits / weightCount(modules),
    norm: NORM,
    errorSum,
    largestError: Math.max(...chosen.map(({ error }) => error)),
    logErrorSum: chosen.reduce((sum, { error }) => sum + logarithm(error), 0),
    bound,
    gap: bound > 0 ? errorSum / bound - 1 : 0,
  };
}
