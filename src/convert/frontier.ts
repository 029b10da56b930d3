import type { Candidate } from '../exl2/candidates.ts';
import type { QuantParams } from '../exl2/params.ts';

/** A setting of a linear: its bits, and its part of the square of the module's relative error. */
export interface LinearOption {
  readonly params: QuantParams;
  readonly bits: number;
  readonly squaredError: number;
}

/** A choice of settings for a module, and the relative error that they add up to. */
export interface FrontierPoint {
  readonly params: Candidate;
  readonly error: number;
}

/**
 * The mixes of settings that no other mix, nor anything between two others, beats in both bits and squared error: from
 * the smallest, one linear at a time takes its next setting, the one that gains most per bit first.
 * @param linears settings of each linear, by name.
 */
export function frontier(linears: ReadonlyMap<string, readonly LinearOption[]>): FrontierPoint[] {
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

function pointOf(options: ReadonlyMap<string, LinearOption>): FrontierPoint {
  const squares = [...options.values()].reduce((sum, { squaredError }) => sum + squaredError, 0);
  const params = Object.fromEntries([...options].map(([name, option]) => [name, option.params]));
  return { params, error: Math.sqrt(squares) };
}

/** Squared error that a bit more saves. */
const slope = (from: LinearOption, to: LinearOption): number =>
  (from.squaredError - to.squaredError) / (to.bits - from.bits);

/** The options on the lower convex hull, from few bits to many. */
function lowerHull(options: readonly LinearOption[]): LinearOption[] {
  const hull: LinearOption[] = [];
  const sorted = options.toSorted((a, b) => a.bits - b.bits || a.squaredError - b.squaredError);
  for (const option of sorted) {
    const last = hull.at(-1);
    if (last && option.squaredError >= last.squaredError) continue;
    while (hull.length > 1 && slope(hull.at(-1)!, option) >= slope(hull.at(-2)!, hull.at(-1)!)) hull.pop();
    hull.push(option);
  }
  return hull;
}
