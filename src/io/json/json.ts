import { InputError } from '../../util/errors.ts';
import type { ByteSource } from '../bytes.ts';
import { readChunked } from '../chunks.ts';
import { mistakenFile } from '../model/mistaken-files.ts';
import { checkNesting } from './json-nesting.ts';

/** The largest JSON file that is read whole: real tokenizers have 35 MB, and a string ends at 512 MB in V8. */
export const MAX_JSON_BYTES = 256e6;

/** The text of UTF-8 `bytes`; `where` names the file in messages. Throws InputError. */
export function decodeUtf8(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new InputError(`${where} is not valid UTF-8: the file is damaged; get it again.`);
  }
}

/**
 * Parses `text`, JSON or what Python writes as such: with NaN, Infinity and -Infinity among the numbers.
 * `where` names the file in messages. Throws InputError with the parser's reason.
 */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const strict = withoutPythonNumbers(text);
    if (strict !== undefined) {
      try {
        return JSON.parse(strict, (_key, value: unknown) => (value === NAN ? Number.NaN : value));
      } catch {} // the first error is about the text as it is
    }
    throw new InputError(`${where} is not valid JSON: ${(error as Error).message}.`);
  }
}

/** Stands for NaN, which JSON has no number for; as a string of its own no file has it. */
const NAN = '\u0000NaN';
/** In place of each: numbers past the largest one are read as infinity. */
const STRICT: Readonly<Record<string, string>> = {
  NaN: JSON.stringify(NAN),
  Infinity: '1e999',
  '-Infinity': '-1e999',
};

/** The text with all three replaced outside strings; undefined where there are none, or a string has no end. */
function withoutPythonNumbers(text: string): string | undefined {
  const parts: string[] = [];
  const token = /"|NaN|-?Infinity/g;
  let copied = 0;
  for (let found = token.exec(text); found; found = token.exec(text)) {
    if (found[0] === '"') {
      token.lastIndex = stringEnd(text, found.index + 1) + 1;
      if (token.lastIndex > text.length) return undefined;
      continue;
    }
    parts.push(text.slice(copied, found.index), STRICT[found[0]]!);
    copied = token.lastIndex;
  }
  return copied === 0 ? undefined : parts.join('') + text.slice(copied);
}

/** `value` as indented JSON, with NaN and the infinities as Python writes and reads them. */
export function formatJson(value: unknown): string {
  const mark = (_key: string, each: unknown) =>
    typeof each === 'number' && !Number.isFinite(each) ? `\u0000${each}` : each;
  return JSON.stringify(value, mark, 2).replace(/"\\u0000(NaN|-?Infinity)"/g, '$1');
}

/** Reads and parses a whole JSON file. Throws InputError. */
export async function readJsonFile(source: ByteSource): Promise<unknown> {
  if (source.size > MAX_JSON_BYTES) {
    throw new InputError(
      `${source.name} has ${source.size} bytes; a JSON file of at most ${MAX_JSON_BYTES} is read. Is it the right file?`,
    );
  }
  const bytes = await readChunked(source, 0, source.size);
  try {
    checkNesting(bytes, source.name);
    return parseJson(decodeUtf8(bytes, source.name), source.name);
  } catch (error) {
    const mistaken = mistakenFile(bytes);
    throw mistaken ? new InputError(`${source.name} ${mistaken}`) : error;
  }
}

export const isJsonObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const [QUOTE, BACKSLASH, COMMA, COLON, BRACKET, BRACE, BRACE_END] = Array.from('"\\,:[{}', (char) =>
  char.charCodeAt(0),
) as [number, number, number, number, number, number, number];

/** How many values the JSON in `bytes` has at most: parsing takes memory for each, however few bytes it has. */
export function valueCount(bytes: Uint8Array): number {
  let count = 1;
  let isInString = false;
  for (let at = 0; at < bytes.length; at++) {
    const code = bytes[at];
    if (code === QUOTE) isInString = !isInString;
    else if (isInString) at += code === BACKSLASH ? 1 : 0;
    else if (code === COMMA || code === BRACKET || code === BRACE) count++;
  }
  return count;
}

/**
 * The first key that an object of the valid JSON `text` has twice, which JSON.parse hides. Looks at objects down
 * to nesting `depth`, so that hostile nesting costs nothing.
 */
export function duplicateKey(text: string, depth: number): string | undefined {
  const keys = Array.from({ length: depth + 1 }, () => new Set<string>());
  let level = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BRACE) keys[++level]?.clear();
    else if (code === BRACE_END) level--;
    else if (code === QUOTE) {
      const start = at + 1;
      at = stringEnd(text, start);
      if (level > depth || !isFollowedByColon(text, at + 1)) continue;
      const written = text.slice(start, at);
      const key = written.includes('\\') ? (JSON.parse(`"${written}"`) as string) : written;
      if (keys[level]!.has(key)) return key;
      keys[level]!.add(key);
    }
  }
  return undefined;
}

/** The position of the quote that ends the string from `at` on; not in the text when the string has no end. */
function stringEnd(text: string, at: number): number {
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    at += code === BACKSLASH ? 2 : 1;
  }
  return at;
}

function isFollowedByColon(text: string, at: number): boolean {
  while (' \t\r\n'.includes(text[at] ?? ':')) at++;
  return text.charCodeAt(at) === COLON;
}
