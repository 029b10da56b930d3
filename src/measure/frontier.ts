import type { Candidate } from '../exl2/candidates.ts';
import type { QuantParams } from '../exl2/params.ts';

/** A setting of a linear: its bits, and its part in the sum that the module's error grows with. */
export interface LinearOption {
  readonly params: QuantParams;
  readonly bits: number;
  readonly part: number;
}

/**
 * The mixes of settings that no other mix, nor anything between two others, beats in both bits and sum: from
 * the smallest, one linear at a time takes its next setting, the one that gains most per bit first.
 * @param linears settings of each linear, by name.
 */
export function frontier(linears: ReadonlyMap<string, readonly LinearOption[]>): Candidate[] {
  const hulls = new Map([...linears].map(([name, options]) => [name, lowerHull(options)]));
  const steps = [...hulls].flatMap(([name, hull]) =>
    hull.slice(1).map((option, i) => ({ name, option, gain: slope(hull[i]!, option) })),
  );
  // Within a hull gains fall, so each linear's steps stay in order.
  steps.sort((a, b) => b.gain - a.gain);
  const now = new Map([...hulls].map(([name, hull]) => [name, hull[0]!]));
  const points = [pointOf(now)];
  for (const { name, option } of steps) {
    now.set(name, option);
    points.push(pointOf(now));
  }
  return points;
}

const pointOf = (options: ReadonlyMap<string, LinearOption>): Candidate =>
  Object.fromEntries([...options].map(([name, option]) => [name, option.params]));

/** What a bit more takes off the sum. */
const slope = (from: LinearOption, to: LinearOption): number => (from.part - to.part) / (to.bits - from.bits);

/** The options on the lower convex hull, from few bits to many. */
function lowerHull(options: readonly LinearOption[]): LinearOption[] {
  const hull: LinearOption[] = [];
  const sorted = options.toSorted((a, b) => a.bits - b.bits || a.part - b.part);
  for (const option of sorted) {
    const last = hull.at(-1);
    if (last && option.part >= last.part) continue;
    while (hull.length > 1 && slope(hull.at(-1)!, option) >= slope(hull.at(-2)!, hull.at(-1)!)) hull.pop();
    hull.push(option);
  }
  return hull;
}
