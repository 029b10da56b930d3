/** One weight that was rounded, and others that can make up for it. */

import { diagonalOf } from './text-data.ts';

export interface MakeUp {
  /** Input feature of the rounded weight. */
  readonly rounded: number;
  /** Three others, by number: one that moves with it, two that hardly do. */
  readonly others: readonly [number, number, number];
  /** Which of them moves with it. */
  readonly best: number;
}

/** Of the 32 loudest inputs, the pair that moves together most, and the two that move least with the first. */
export function makeUp(h: Float64Array, k: number): MakeUp {
  const diagonal = diagonalOf(h, k);
  const loud = [...diagonal.keys()].sort((a, b) => diagonal[b]! - diagonal[a]!).slice(0, 32);
  const together = (a: number, b: number) => h[a * k + b]! ** 2 / (diagonal[a]! * diagonal[b]! || 1);
  const pairs = loud.flatMap((a, i) => loud.slice(i + 1).map((b) => ({ a, b, share: together(a, b) })));
  const { a: rounded, b: best } = pairs.reduce((most, pair) => (pair.share > most.share ? pair : most));
  const apart = loud
    .filter((each) => each !== rounded && each !== best)
    .sort((a, b) => together(rounded, a) - together(rounded, b))
    .slice(0, 2);
  const others = [best, ...apart].sort((a, b) => a - b) as [number, number, number];
  return { rounded, others, best: others.indexOf(best) };
}

/** How far a weight has to move to make up for most of a change of another one by `amount`. */
export const bestAmount = (
  h: Float64Array,
  k: number,
  rounded: number,
  other: number,
  amount: number,
): number => (-amount * h[rounded * k + other]!) / h[other * (k + 1)]!;
