import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { InputError } from '../util/errors.ts';
import type { TokenRows } from './final-states.ts';

/** What stands between the documents of a text file. */
const SEPARATOR = '<|endoftext|>';

/** The documents of a text: what is between `<|endoftext|>`, without white space at the ends. */
export const splitDocuments = (text: string): string[] =>
  text.split(SEPARATOR).flatMap((document) => document.trim() || []);

/**
 * Token rows from documents, each between the tokens that begin and end a text, one after the other; what is too
 * short for a row at the end is left out.
 * @param limit rows at most. @throws InputError when there is not enough for one row; `name` is for the message.
 */
export function documentRows(
  name: string,
  documents: readonly string[],
  tokenizer: Tokenizer,
  length: number,
  limit: number,
): TokenRows {
  const bos = tokenizer.bosId === undefined ? [] : [tokenizer.bosId];
  const eos = tokenizer.eosIds.slice(0, 1);
  const tokens: number[] = [];
  for (const document of documents) {
    if (tokens.length >= limit * length) break;
    for (const id of [...bos, ...tokenizer.encode(document), ...eos]) tokens.push(id);
  }
  const rows = Math.min(limit, Math.floor(tokens.length / length));
  if (rows === 0) {
    throw new InputError(
      `${name} has ${tokens.length} tokens, which is not enough for a row of ${length}: give more text, or ask for shorter rows.`,
    );
  }
  return { rows, length, ids: Int32Array.from(tokens.slice(0, rows * length)) };
}
