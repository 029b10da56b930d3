/**
 * The multiple-choice knapsack: take one option of every class, so that the values sum to as little as possible
 * while the costs stay within a budget.
 *
 * A price λ ≥ 0 stands for the budget. With an option's reduced value r = value + λ·cost − (the least value + λ·cost
 * in its class) ≥ 0, any choice has Σ value = L + Σ r + λ·(what it leaves of the budget), where L is one known number
 * and the last term is not negative. So good choices have a small Σ r, and the search keeps, class after class, the
 * partial choices with the smallest Σ r. Whatever it drops has at least that Σ r, so no choice is below L + the
 * smallest Σ r dropped: the bound. When the best choice found is not above it, it is the optimum.
 */

import {
  extend,
  type KnapsackBeam,
  type KnapsackOption,
  keepSmallest,
  withoutDominated,
} from './knapsack-beam.ts';

export type KnapsackClasses = readonly (readonly KnapsackOption[])[];

export interface KnapsackSolution {
  /** Index of the option taken in each class. */
  readonly choice: readonly number[];
  /** No choice within the budget has a smaller sum of values. */
  readonly bound: number;
}

/**
 * Deterministic. The cheapest options of all classes must fit into the budget, and no class may be empty. `beam` is
 * the number of partial choices kept: more take longer and tighten the bound.
 */
export function solveKnapsack(
  classes: KnapsackClasses,
  budget: number,
  beam = beamSize(classes.length),
): KnapsackSolution {
  const price = findPrice(classes, budget);
  const priced = ({ value, cost }: KnapsackOption): number => value + price * cost;
  const least = classes.map((options) => Math.min(...options.map(priced)));
  const lagrangian = least.reduce((a, b) => a + b, 0) - price * budget;
  const relaxed = cheapestAt(classes, price);
  // Choices with a larger Σ r than this are worse than the relaxed one, which is within the budget.
  let limit = price * (budget - sum(classes, relaxed, 'cost'));
  let dropped = Number.POSITIVE_INFINITY;
  const room = roomUpTo(classes, budget);
  const beams: KnapsackBeam[] = [{ reduced: [0], used: [0], from: [-1], option: [-1] }];
  for (const [i, options] of classes.entries()) {
    const reduced = options.map((option) => priced(option) - least[i]!);
    const all = extend(beams[i]!, options, reduced, room[i]!, limit);
    const kept = keepSmallest(withoutDominated(all, price), beam);
    dropped = Math.min(dropped, kept.dropped);
    limit = Math.min(limit, dropped);
    beams.push(kept.beam);
  }
  const found = bestChoice(beams, price);
  const choice = found && sum(classes, found, 'value') < sum(classes, relaxed, 'value') ? found : relaxed;
  return { choice, bound: Math.min(sum(classes, choice, 'value'), lagrangian + dropped) };
}

/**
 * The choice at the price alone, without a search: no other one that costs as much has a smaller sum of values, but it
 * may leave some of the budget. Where the cheapest options do not fit, it is those.
 */
export const relaxedChoice = (classes: KnapsackClasses, budget: number): number[] =>
  cheapestAt(classes, findPrice(classes, budget));

/** So that the time grows with the number of classes and not with its square. */
const beamSize = (classes: number): number => Math.max(512, Math.ceil(100_000 / classes));

const sum = (classes: KnapsackClasses, choice: readonly number[], of: keyof KnapsackOption): number =>
  classes.reduce((total, options, i) => total + options[choice[i]!]![of], 0);

/** Steps of ×4 that the price may move from its first guess, and halvings of the interval found then. */
const MAX_STEPS = 60;
const HALVINGS = 40;

/** The least price at which the options with the least value + price·cost stay within the budget. */
function findPrice(classes: KnapsackClasses, budget: number): number {
  const isOver = (price: number): boolean => sum(classes, cheapestAt(classes, price), 'cost') > budget;
  if (!isOver(0)) return 0;
  const values = classes.flat().map(({ value }) => value);
  const spread = values.reduce((a, b) => Math.max(a, b)) - values.reduce((a, b) => Math.min(a, b));
  let high = (spread || 1) / budget;
  for (let step = 0; step < MAX_STEPS && isOver(high); step++) high *= 4;
  for (let step = 0; step < MAX_STEPS && !isOver(high / 4); step++) high /= 4;
  let low = high / 4;
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (isOver(middle)) low = middle;
    else high = middle;
  }
  return high;
}

/** The option of every class with the least value + price·cost; of equals the one that costs least. */
function cheapestAt(classes: KnapsackClasses, price: number): number[] {
  return classes.map((options) => {
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < options.length; i++) {
      const { value, cost } = options[i]!;
      const priced = value + price * cost;
      if (priced < least || (priced === least && cost < options[best]!.cost)) {
        least = priced;
        best = i;
      }
    }
    return best;
  });
}

/** What may be used up to and with each class, so that the cheapest options still fit for the rest. */
function roomUpTo(classes: KnapsackClasses, budget: number): number[] {
  const room: number[] = [];
  let left = budget;
  for (const options of classes.toReversed()) {
    room.push(left);
    left -= Math.min(...options.map(({ cost }) => cost));
  }
  return room.reverse();
}

/** Of the whole choices the one with the least value, which is a constant + Σ r − price·cost. */
function bestChoice(beams: readonly KnapsackBeam[], price: number): number[] | undefined {
  const { reduced, used } = beams.at(-1)!;
  const values = reduced.map((sum, i) => sum - price * used[i]!);
  let at = values.indexOf(values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY));
  if (at < 0) return undefined;
  const choice: number[] = [];
  for (let i = beams.length - 1; i > 0; i--) {
    choice.push(beams[i]!.option[at]!);
    at = beams[i]!.from[at]!;
  }
  return choice.reverse();
}
