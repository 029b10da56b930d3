/** What the cells of a module show. */

import type { ModuleFacts } from '../../../workers/api/model.ts';
import type { Candidate } from '../../exl2/candidates.ts';
import { linearBits, parseDescription } from '../settings.ts';
import { type ModuleView, type Trial, trialNow } from '../state/job-view.ts';

/** How sure a value is: what would be taken now, or what is settled. */
export type Certainty = 'expected' | 'settled';

export interface CellValue {
  readonly value: number;
  readonly certainty: Certainty;
}

/** Bits per weight of a linear. */
export interface LinearCell extends CellValue {
  /** Relative error of its own output, once it is quantized. */
  readonly error?: number;
}

export interface ModuleCells {
  /** Of each linear, by name; missing where nothing is known. */
  readonly bits: Readonly<Record<string, LinearCell>>;
  /** Relative error of the module's output. */
  readonly error: CellValue | undefined;
}

/** What a pointer or the focus is on: a linear, or with an empty name its module's error. */
export interface GridPlace {
  readonly module: string;
  readonly linear: string;
}

/**
 * Cells of a module. `chosen`: an allocation is being chosen, so that it counts as settled
 * before anything is quantized.
 */
export function moduleCells(module: ModuleFacts, view: ModuleView, chosen: boolean): ModuleCells {
  const trial = trialNow(view);
  const expected = trial ? bitsOfLinears(module, trial) : {};
  const finished = view.rfnError !== undefined || chosen;
  const cells = module.linears.flatMap(({ name }): [string, LinearCell][] => {
    const quantized = view.linears[name];
    const value = quantized ?? expected[name];
    if (value === undefined) return [];
    const settled = finished || quantized !== undefined;
    const error = view.linearErrors[name];
    const cell: LinearCell = { value, certainty: settled ? 'settled' : 'expected' };
    return [[name, error === undefined ? cell : { ...cell, error }]];
  });
  return { bits: Object.fromEntries(cells), error: moduleError(view, trial, chosen) };
}

function moduleError(view: ModuleView, trial: Trial | undefined, chosen: boolean): CellValue | undefined {
  if (view.rfnError !== undefined) return { value: view.rfnError, certainty: 'settled' };
  return trial && { value: trial.error, certainty: chosen ? 'settled' : 'expected' };
}

/** Where the parameters are not known, every linear has the module's average. */
function bitsOfLinears(module: ModuleFacts, trial: Trial): Record<string, number> {
  const candidate = candidateOf(trial);
  const known = candidate && linearBits(module, candidate);
  return Object.fromEntries(module.linears.map(({ name }) => [name, known?.[name] ?? trial.bitsPerWeight]));
}

/** The parameters of what a module takes. */
export function candidateOf({ description }: Trial): Candidate | undefined {
  try {
    return parseDescription(description);
  } catch {
    // Words of another version of the workers: the average is still right.
    return undefined;
  }
}
