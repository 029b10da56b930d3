import { diffArrays } from 'diff/lib/diff/array.js';
import type { TextToken, TextView } from './text-view.ts';

/** A piece of a text; `differs`: the other text does not have these tokens here. */
export interface Run {
  readonly text: string;
  readonly differs: boolean;
}

export interface Differences {
  readonly original: readonly Run[];
  readonly quantized: readonly Run[];
  /** Tokens that both begin with. */
  readonly same: number;
  /** Nothing differs, as far as both were written. */
  readonly equal: boolean;
}

/** Insertions and deletions that are looked for, which bounds the time: texts further apart just part. */
const MOST_EDITS = 600;

type Change = Pick<ReturnType<typeof diffArrays>[number], 'count' | 'added' | 'removed'>;

/** Where two texts differ, token by token, so that one that has a token more is not marked from there on. */
export function findDifferences(original: TextView, quantized: TextView): Differences {
  const a = reachedBy(quantized, original.tokens);
  const b = reachedBy(original, quantized.tokens);
  const same = sharedStart(a, b);
  const changes = diffArrays(ids(a), ids(b), { maxEditLength: MOST_EDITS }) ?? parted(same, a, b);
  const runs = { original: [] as Run[], quantized: [] as Run[] };
  let at = { a: 0, b: 0 };
  for (const [i, { count, added, removed }] of changes.entries()) {
    const next = { a: at.a + (added ? 0 : count), b: at.b + (removed ? 0 : count) };
    const differs = (added || removed) && !isOverhang(changes, i, removed ? quantized : original);
    if (!added) runs.original.push({ text: textOf(a.slice(at.a, next.a)), differs });
    if (!removed) runs.quantized.push({ text: textOf(b.slice(at.b, next.b)), differs });
    at = next;
  }
  const equal = ![...runs.original, ...runs.quantized].some(({ differs }) => differs);
  for (const [text, kept, into] of [
    [original, a, runs.original],
    [quantized, b, runs.quantized],
  ] as const) {
    if (text.tokens.length > kept.length)
      into.push({ text: textOf(text.tokens.slice(kept.length)), differs: false });
  }
  return { ...runs, same, equal };
}

export const textOf = (tokens: readonly TextToken[]): string => tokens.map(({ text }) => text).join('');

/** What there is to compare: the other text may have been cut short. */
const reachedBy = (other: TextView, tokens: readonly TextToken[]): readonly TextToken[] =>
  other.end === 'model' ? tokens : tokens.slice(0, other.tokens.length);

/** At the end, what insertions before have pushed out of the other text, which was not allowed to go on. */
const isOverhang = (changes: readonly Change[], i: number, other: TextView): boolean =>
  i === changes.length - 1 && !changes[i - 1]?.removed && other.end !== 'model';

const ids = (tokens: readonly TextToken[]): number[] => tokens.map(({ id }) => id);

function sharedStart(a: readonly TextToken[], b: readonly TextToken[]): number {
  const parting = a.findIndex(({ id }, i) => id !== b[i]?.id);
  return parting === -1 ? a.length : parting;
}

const parted = (same: number, a: readonly TextToken[], b: readonly TextToken[]): Change[] => [
  { count: same, added: false, removed: false },
  { count: a.length - same, added: false, removed: true },
  { count: b.length - same, added: true, removed: false },
];
