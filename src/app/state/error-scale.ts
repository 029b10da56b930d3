import { rankSteps, type Steps } from '../scales.ts';
import { type JobView, trialNow } from './job-view.ts';

/** Which colour an error has, by its rank among the others of its kind in the model. */
export interface ErrorScale {
  readonly modules: Steps;
  /** Of linears, by themselves. */
  readonly linears: Steps;
  /** How many modules and linears it was made of. */
  readonly counts: readonly [modules: number, linears: number];
  /** Least and largest error of a module; missing before there is one. */
  readonly range?: readonly [least: number, most: number];
}

export function errorScale({ record, modules }: JobView): ErrorScale {
  const views = record.model.modules.flatMap(({ key }) => modules.get(key) ?? []);
  const errors = views.flatMap((view) => view.rfnError ?? trialNow(view)?.error ?? []);
  const losses = views.flatMap(({ linearErrors }) => Object.values(linearErrors));
  return {
    modules: rankSteps(errors),
    linears: rankSteps(losses),
    counts: [errors.length, losses.length],
    ...(errors.length > 0 && { range: [Math.min(...errors), Math.max(...errors)] as const }),
  };
}

/** Whether there are so many more values, or fewer, that ranks have become others. */
export const isOutdated = (kept: ErrorScale, now: ErrorScale): boolean =>
  now.counts.some((count, i) => count < kept.counts[i]! || count >= 1.25 * kept.counts[i]!);
