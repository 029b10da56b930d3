import type { TokenEncoder } from '../tokenizer/tokenizer.ts';
import { InputError } from '../util/errors.ts';
import type { TokenRows } from './token-statistics.ts';

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
export async function documentRows(
  name: string,
  documents: readonly string[],
  tokenizer: TokenEncoder,
  length: number,
  limit: number,
): Promise<TokenRows> {
  const bos = tokenizer.bosId === undefined ? [] : [tokenizer.bosId];
  const eos = tokenizer.eosIds.slice(0, 1);
  const tokens: number[] = [];
  for (const document of documents) {
    if (tokens.length >= limit * length) break;
    for (const id of [...bos, ...(await tokenizer.encode(document)), ...eos]) tokens.push(id);
  }
  const rows = Math.min(limit, Math.floor(tokens.length / length));
  if (rows === 0) {
    throw new InputError(
      `${name} has ${tokens.length} tokens, which is not enough for a row of ${length}: give more text, or ask for shorter rows.`,
    );
  }
  return { rows, length, ids: Int32Array.from(tokens.slice(0, rows * length)) };
}

/** A text and what kind it is. */
export interface KindOfText {
  readonly category: string;
  readonly text: string;
}

/**
 * At most `limit` rows that each begin with a text and stay within it, taken from all categories in turn, so that few
 * rows speak for all; from all texts together when each is too short for a row.
 */
export async function variedRows(
  name: string,
  texts: readonly KindOfText[],
  tokenizer: TokenEncoder,
  length: number,
  limit: number,
): Promise<TokenRows> {
  const bos = tokenizer.bosId === undefined ? [] : [tokenizer.bosId];
  const categories = [...new Set(texts.map(({ category }) => category))];
  const groups = categories.map((category) => texts.filter((text) => text.category === category));
  const ids: number[] = [];
  for (let i = 0; i < texts.length; i++) {
    for (const group of groups) {
      const text = group[i]?.text;
      if (ids.length === limit * length || text === undefined) continue;
      const tokens = [...bos, ...(await tokenizer.encode(text))];
      if (tokens.length >= length) ids.push(...tokens.slice(0, length));
    }
  }
  const rows = ids.length / length;
  if (rows > 0) return { rows, length, ids: Int32Array.from(ids) };
  return documentRows(
    name,
    texts.map(({ text }) => text),
    tokenizer,
    length,
    limit,
  );
}
