import type { JobView, ModuleView, Trial } from './job-view.ts';

/** As the allocation: a large error counts more than several small ones. */
const ERROR_NORM = 2.2;

/** Halvings of the price of a bit: enough for neighbouring candidates to part. */
const STEPS = 40;

interface Measured {
  readonly key: string;
  readonly weights: number;
  readonly trials: readonly Trial[];
}

/**
 * What every measured module would get if the bits were shared out among those measured so far: each takes the
 * candidate with the least error^2.2 + price·bits, at the lowest price of a bit that keeps to the target.
 */
export function withExpected(view: JobView): JobView {
  const measured = view.record.model.modules.flatMap(({ key, weights }): Measured[] => {
    const trials = view.modules.get(key)?.trials.filter((trial) => trial !== undefined) ?? [];
    return trials.length > 0 ? [{ key, weights, trials }] : [];
  });
  const modules = new Map<string, ModuleView>(view.modules);
  for (const [key, { candidate }] of expectedTrials(measured, view.bits)) {
    const present = modules.get(key);
    // Rows of modules that keep what they had are not drawn again.
    if (present && present.expected !== candidate) modules.set(key, { ...present, expected: candidate });
  }
  return { ...view, modules };
}

export function expectedTrials(modules: readonly Measured[], bits: number): ReadonlyMap<string, Trial> {
  const budget = modules.reduce((sum, { weights }) => sum + weights * bits, 0);
  // Prices on a logarithmic scale, from "bits cost nothing" to "nothing but bits counts".
  let [cheap, dear] = [-40, 20];
  let chosen = take(modules, Math.exp(dear));
  for (let step = 0; step < STEPS; step++) {
    const middle = (cheap + dear) / 2;
    const candidate = take(modules, Math.exp(middle));
    if (candidate.bits <= budget) {
      chosen = candidate;
      dear = middle;
    } else cheap = middle;
  }
  return chosen.trials;
}

function take(modules: readonly Measured[], price: number): { bits: number; trials: Map<string, Trial> } {
  let bits = 0;
  const trials = new Map<string, Trial>();
  for (const { key, weights, trials: all } of modules) {
    const cost = ({ error, bitsPerWeight }: Trial) =>
      error ** ERROR_NORM + (price * bitsPerWeight * weights) / 1e6;
    const best = all.reduce((least, trial) => (cost(trial) < cost(least) ? trial : least));
    bits += best.bitsPerWeight * weights;
    trials.set(key, best);
  }
  return { bits, trials };
}
