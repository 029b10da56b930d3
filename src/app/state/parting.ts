/** Where two texts part, and what both models thought there. */

import type { TextToken, TextView } from './text-view.ts';

/** A text around the place of parting. */
export interface PartedText {
  readonly shared: string;
  /** The first token that the other text does not have; missing where this one ends before it. */
  readonly own?: TextToken;
  readonly rest: string;
}

/** What both models gave a token at the place of parting. */
export interface TokenOdds {
  readonly id: number;
  readonly text: string;
  readonly original: Odds;
  readonly quantized: Odds;
}

export interface Odds {
  readonly probability: number;
  /** It is not among the tokens that were told: the probability is at most this. */
  readonly atMost: boolean;
}

export interface Parting {
  readonly original: PartedText;
  readonly quantized: PartedText;
  /** Tokens that both begin with. */
  readonly same: number;
  /** Nothing differs, as far as both were written. */
  readonly equal: boolean;
  /** Of both first different tokens and the likeliest others; empty where a text ends, or nothing was told. */
  readonly odds: readonly TokenOdds[];
}

/** Tokens that are compared besides the two that were taken. */
const OTHERS = 2;

/** What follows the first different token is another story: it is not compared. */
export function findParting(original: TextView, quantized: TextView): Parting {
  const [a, b] = [original.tokens, quantized.tokens];
  const same = sharedStart(a, b);
  const texts = { original: partedText(a, same), quantized: partedText(b, same) };
  const [own, other] = [a[same], b[same]];
  // A text that was cut short says nothing of what would have followed.
  const equal =
    !(own && other) && !(own && quantized.end === 'model') && !(other && original.end === 'model');
  if (equal) {
    const whole = ({ shared, own: next, rest }: PartedText) => ({
      shared: shared + (next?.text ?? '') + rest,
      rest: '',
    });
    return { original: whole(texts.original), quantized: whole(texts.quantized), same, equal, odds: [] };
  }
  return { ...texts, same, equal, odds: own && other ? oddsOf(own, other) : [] };
}

export const textOf = (tokens: readonly TextToken[]): string => tokens.map(({ text }) => text).join('');

function sharedStart(a: readonly TextToken[], b: readonly TextToken[]): number {
  const parting = a.findIndex(({ id }, i) => id !== b[i]?.id);
  return parting === -1 ? a.length : parting;
}

function partedText(tokens: readonly TextToken[], same: number): PartedText {
  const own = tokens[same];
  let end = same + 1;
  // A token may be the first bytes of a character, which comes with the last of them.
  while (end < tokens.length && textOf(tokens.slice(same, end)) === '') end++;
  return {
    shared: textOf(tokens.slice(0, same)),
    ...(own && { own: { ...own, text: textOf(tokens.slice(same, end)) } }),
    rest: textOf(tokens.slice(end)),
  };
}

function oddsOf(original: TextToken, quantized: TextToken): TokenOdds[] {
  if (original.likely.length === 0 || quantized.likely.length === 0) return [];
  const taken = [original, quantized];
  const others = [...original.likely, ...quantized.likely]
    .filter(({ id }, i, all) => all.findIndex((each) => each.id === id) === i)
    .filter(({ id }) => taken.every((token) => token.id !== id))
    .toSorted((a, b) => b.probability - a.probability)
    .slice(0, OTHERS);
  return [...taken, ...others].map(({ id, text }) => ({
    id,
    text,
    original: oddsIn(original, id),
    quantized: oddsIn(quantized, id),
  }));
}

function oddsIn({ likely }: TextToken, id: number): Odds {
  const found = likely.find((each) => each.id === id);
  return found
    ? { probability: found.probability, atMost: false }
    : { probability: likely.at(-1)?.probability ?? 1, atMost: true };
}
