/** Bits shared out among modules: the menus, and what a choice from each is worth. */

import type { AllocationModule } from '../../allocate/allocate.ts';
import type { StoredCandidate, StoredMeasurement, StoredModule } from './stored-lessons.ts';

/** The allocation's: large errors count for more than their share. */
export const NORM = 2.2;

/** Σ k·n of a module's linears. */
export const weightsOf = ({ linears }: StoredModule): number =>
  linears.reduce((sum, { k, n }) => sum + k * n, 0);

/** As the allocation takes them. */
export const allocationModules = ({ modules }: StoredMeasurement): AllocationModule[] =>
  modules.map((module) => ({
    key: module.key,
    weights: weightsOf(module),
    candidates: module.candidates.map(({ bits, error }) => ({ totalBits: bits, error })),
  }));

export interface Menu {
  readonly candidates: readonly Pick<StoredCandidate, 'bits' | 'error'>[];
}

/** A module's candidates that no other beats in both bits and error, by rising bits: indices. */
export function menuOf({ candidates }: Menu): number[] {
  const byBits = [...candidates.keys()].sort(
    (a, b) => candidates[a]!.bits - candidates[b]!.bits || candidates[a]!.error - candidates[b]!.error,
  );
  const menu: number[] = [];
  for (const index of byBits) {
    const last = menu.at(-1);
    if (last === undefined || candidates[index]!.error < candidates[last]!.error) menu.push(index);
  }
  return menu;
}

/**
 * The same bits for every module, as far as the menus allow: the one with the fewest bits per weight takes its next
 * entry, as long as all together keep to `bits` bits per weight.
 */
export function equalChoice({ modules }: StoredMeasurement, bits: number): number[] {
  const menus = modules.map(menuOf);
  const places = menus.map(() => 0);
  const bitsAt = (i: number, place: number) => modules[i]!.candidates[menus[i]![place]!]!.bits;
  const weights = modules.map(weightsOf);
  let left = bits * weights.reduce((a, b) => a + b, 0) - sum(places.map((place, i) => bitsAt(i, place)));
  for (;;) {
    const open = [...places.keys()].filter((i) => {
      const next = places[i]! + 1;
      return next < menus[i]!.length && bitsAt(i, next) - bitsAt(i, places[i]!) <= left;
    });
    if (open.length === 0) return places.map((place, i) => menus[i]![place]!);
    const poorest = open.reduce((a, b) =>
      bitsAt(b, places[b]!) / weights[b]! < bitsAt(a, places[a]!) / weights[a]! ? b : a,
    );
    left -= bitsAt(poorest, places[poorest]! + 1) - bitsAt(poorest, places[poorest]!);
    places[poorest]!++;
  }
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

export interface ShareSum {
  readonly bitsPerWeight: number;
  /** (Σ error^2.2)^(1 / 2.2) over the modules. */
  readonly error: number;
}

/** What a choice of candidates comes to. */
export function sumOf({ modules }: StoredMeasurement, choice: readonly number[]): ShareSum {
  const chosen = modules.map(({ candidates }, i) => candidates[choice[i]!]!);
  const bits = sum(chosen.map((each) => each.bits));
  const power = sum(chosen.map(({ error }) => error ** NORM));
  return { bitsPerWeight: bits / sum(modules.map(weightsOf)), error: power ** (1 / NORM) };
}
