/** The second step of the allocation: among allocations that are nearly the best, one that is even over modules. */

import { solveKnapsack } from './knapsack.ts';

/** A candidate that a module may take. `power` and `logarithm` are of its error. */
export interface ErrorOption {
  readonly bits: number;
  readonly power: number;
  readonly logarithm: number;
}

type Classes = readonly (readonly ErrorOption[])[];

export interface ErrorLimits {
  /** Of Σ bits. */
  readonly bits: number;
  /** Of Σ power. */
  readonly power: number;
}

/**
 * From `start`, which is within the limits, to a choice of smaller Σ logarithm within them: the best that a mix of
 * both sums leads to, and from there exchanges of two modules while they help. Not proven to be the least.
 */
export function minimizeLogError(classes: Classes, start: readonly number[], limits: ErrorLimits): number[] {
  const mixed = bestMix(classes, limits);
  const from = mixed && sum(classes, mixed, 'logarithm') < sum(classes, start, 'logarithm') ? mixed : start;
  return exchange(classes, [...from], limits);
}

const sum = (classes: Classes, choice: readonly number[], of: keyof ErrorOption): number =>
  classes.reduce((total, options, i) => total + options[choice[i]!]![of], 0);

const HALVINGS = 16;
/** Partial choices kept in each of these searches, which only start what the exchanges end. */
const BEAM = 256;

/** The choice of the least Σ logarithm + weight · Σ power, by bisection for the smallest weight that keeps the limit. */
function bestMix(classes: Classes, limits: ErrorLimits): readonly number[] | undefined {
  // From all for the logarithms to all for the powers, which are about limit / classes each.
  const scale = classes.length / (limits.power || 1);
  let [low, high] = [-8, 16];
  let best: readonly number[] | undefined;
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    const weight = scale * 2 ** middle;
    const options = classes.map((candidates) =>
      candidates.map(({ bits, power, logarithm }) => ({ value: logarithm + weight * power, cost: bits })),
    );
    const { choice } = solveKnapsack(options, limits.bits, BEAM);
    if (sum(classes, choice, 'power') <= limits.power) {
      best = choice;
      high = middle;
    } else {
      low = middle;
    }
  }
  return best;
}

/** Changes one or two modules at a time, always those that lower Σ logarithm most, until none does. */
function exchange(classes: Classes, choice: number[], limits: ErrorLimits): number[] {
  for (;;) {
    const bits = limits.bits - sum(classes, choice, 'bits');
    const power = limits.power - sum(classes, choice, 'power');
    const moves = classes.map((options, i) => movesFrom(options, options[choice[i]!]!));
    const best = bestPair(moves, bits, power);
    if (!best) return choice;
    for (const [i, option] of best) choice[i] = option;
  }
}

/** What taking each option instead of the present one would change. */
const movesFrom = (options: readonly ErrorOption[], now: ErrorOption): ErrorOption[] =>
  options.map(({ bits, power, logarithm }) => ({
    bits: bits - now.bits,
    power: power - now.power,
    logarithm: logarithm - now.logarithm,
  }));

/** Gains below this are rounding. */
const LEAST_GAIN = 1e-9;

/** The two modules and their options that lower Σ logarithm most, within what is left; one may stay as it is. */
function bestPair(moves: Classes, bits: number, power: number): [number, number][] | undefined {
  let best: [number, number][] | undefined;
  let least = -LEAST_GAIN;
  // Even with the best of all other moves, a move that loses more than that cannot come out ahead.
  const gains = moves.map((options) => Math.min(...options.map(({ logarithm }) => logarithm)));
  for (let i = 0; i < moves.length; i++) {
    for (let j = i + 1; j < moves.length; j++) {
      if (gains[i]! + gains[j]! >= least) continue;
      for (const [a, first] of moves[i]!.entries()) {
        if (first.logarithm + gains[j]! >= least) continue;
        for (const [b, second] of moves[j]!.entries()) {
          const gain = first.logarithm + second.logarithm;
          if (gain >= least || first.bits + second.bits > bits || first.power + second.power > power)
            continue;
          least = gain;
          best = [
            [i, a],
            [j, b],
          ];
        }
      }
    }
  }
  return best;
}
