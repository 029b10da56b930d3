import { isJsonObject } from '../io/json/json.ts';
import { InputError } from '../util/errors.ts';

/** The largest vocabularies have a million tokens; tables by id have as many entries as the largest id says. */
const MAX_ID = 2 ** 22;

/** Milliseconds for one text, which is at most about a megabyte and takes seconds. */
export const WORK_LIMIT_MS = 120_000;

/** Why work that took longer was ended. */
export const takesTooLong = (limitMs: number): string =>
  `it takes more than ${limitMs / 1000} s, as patterns with nested repetitions do`;

/**
 * Looks at the ids of a tokenizer.json, for which memory is taken before anything else is known of them.
 * @param place of the file, for messages. @throws InputError for an id that is none, or larger than any.
 */
export function checkIds(tokenizer: Readonly<Record<string, unknown>>, place: string): void {
  const { model, added_tokens: added } = tokenizer;
  const vocab = isJsonObject(model) ? model['vocab'] : undefined;
  const named = isJsonObject(vocab) ? Object.entries(vocab) : [];
  const others = (Array.isArray(added) ? added : []).map((token) =>
    isJsonObject(token) ? ([token['content'], token['id']] as const) : (['?', undefined] as const),
  );
  for (const [token, id] of [...named, ...others]) {
    if (Number.isSafeInteger(id) && (id as number) >= 0 && (id as number) < MAX_ID) continue;
    throw new InputError(
      `${place}: the token ${JSON.stringify(token)?.slice(0, 80)} has the id ${JSON.stringify(id)}; expected a whole number ` +
        `below ${MAX_ID}, more than any vocabulary has. The file is damaged; get it again.`,
    );
  }
}
