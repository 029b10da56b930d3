/** What was measured of a module of a job, as the recipes that lessons draw. */

import type { JobRecord } from '../../../workers/api/jobs.ts';
import type { ModuleFacts } from '../../../workers/api/model.ts';
import { type Recipe, recipeOf } from '../../learn/data/menu.ts';
import { candidateOf } from '../components/grid-cells.ts';
import { type ModuleView, type Trial, trialNow } from '../state/job-view.ts';

export interface TrialRecipe {
  readonly trial: Trial;
  readonly recipe: Recipe;
}

/** Trials in words of another version of the workers are left out. */
export const recipesOf = ({ linears }: ModuleFacts, trials: readonly Trial[]): TrialRecipe[] =>
  trials.flatMap((trial) => {
    const candidate = candidateOf(trial);
    const settings = linears.flatMap(({ name }) => (candidate?.[name] ? [candidate[name]] : []));
    if (settings.length < linears.length) return [];
    return [{ trial, recipe: recipeOf(linears, settings, trial.bitsPerWeight, trial.error) }];
  });

export interface TakenTrial {
  /** Undefined: none. */
  readonly candidate: number | undefined;
  /** Behind the recipe. */
  readonly words: string;
}

/** The candidate that a module takes at a bitrate: as allocated, or what it would get now. */
export function takenTrial(
  { results }: JobRecord,
  bits: number,
  { key }: ModuleFacts,
  view: ModuleView,
): TakenTrial {
  const allocation = results.find((result) => result.bits === bits)?.allocation;
  const allocated = allocation?.modules.find((module) => module.key === key)?.candidate;
  const candidate = allocated ?? trialNow(view)?.candidate;
  const isAllocated = allocated !== undefined || view.choice !== undefined;
  return { candidate, words: isAllocated ? ': what this module takes' : ': what it would get now' };
}
