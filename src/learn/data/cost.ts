/** What can be said of two models' views of a text. */

import type { StoredOutput, StoredView } from './stored-lessons.ts';

/** Over all texts and positions, nats. */
export function meanDivergence({ views }: StoredOutput): number {
  const all = views.flat();
  return all.reduce((sum, { divergence }) => sum + divergence, 0) / all.length;
}

/** Share of positions at which both think the same token most likely. */
export function sameChoice(a: StoredOutput, b: StoredOutput): number {
  const [first, second] = [a.views.flat(), b.views.flat()];
  const same = first.filter(({ top }, i) => top[0]![0] === second[i]!.top[0]![0]);
  return same.length / first.length;
}

/** Where the views are furthest apart. */
export const widestPosition = (views: readonly StoredView[]): number =>
  views.reduce((best, { divergence }, i) => (divergence > views[best]!.divergence ? i : best), 0);

export interface Expectation {
  readonly id: number;
  /** Probabilities; undefined: not among those that are kept. */
  readonly original: number | undefined;
  readonly own: number | undefined;
}

/** The three likeliest tokens of each view and the one that came, by the original's probability, then the other's. */
export function expectations(
  [original, own]: readonly [StoredView, StoredView],
  next: number,
): Expectation[] {
  const likeliest = ({ top }: StoredView) => top.slice(0, 3).map(([id]) => id);
  const ids = new Set([...likeliest(original), ...likeliest(own), next]);
  const of = (view: StoredView, id: number) =>
    id === next ? view.next : view.top.find(([other]) => other === id)?.[1];
  return Array.from(ids, (id) => ({ id, original: of(original, id), own: of(own, id) })).sort(
    (a, b) => (b.original ?? 0) - (a.original ?? 0) || (b.own ?? 0) - (a.own ?? 0),
  );
}
