import { InputError } from '../util/errors.ts';
import type { ByteSource } from './bytes.ts';
import { readChunked } from './chunks.ts';
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

/** Parses `text`; `where` names the file in messages. Throws InputError with the parser's reason. */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(`${where} is not valid JSON: ${(error as Error).message}.`);
  }
}

/** Reads and parses a whole JSON file. Throws InputError. */
export async function readJsonFile(source: ByteSource): Promise<unknown> {
  if (source.size > MAX_JSON_BYTES) {
    throw new InputError(
      `${source.name} has ${source.size} bytes; a JSON file of at most ${MAX_JSON_BYTES} is read. Is it the right file?`,
    );
  }
  const bytes = await readChunked(source, 0, source.size);
  checkNesting(bytes, source.name);
  return parseJson(decodeUtf8(bytes, source.name), source.name);
}

export const isJsonObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The first key that an object of the valid JSON `text` has twice, which JSON.parse hides. Looks at objects down
 * to nesting `depth`, so that hostile nesting costs nothing.
 */
export function duplicateKey(text: string, depth: number): string | undefined {
  const keys = Array.from({ length: depth + 1 }, () => new Set<string>());
  let level = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '{') keys[++level]?.clear();
    else if (char === '}') level--;
    else if (char === '"') {
      const end = stringEnd(text, at);
      if (level <= depth && isFollowedByColon(text, end)) {
        const key = JSON.parse(text.slice(at, end)) as string;
        if (keys[level]!.has(key)) return key;
        keys[level]!.add(key);
      }
      at = end - 1;
    }
  }
  return undefined;
}

/** The position after the string that opens at `start`. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function isFollowedByColon(text: string, at: number): boolean {
  while (' \t\r\n'.includes(text[at] ?? ':')) at++;
  return text[at] === ':';
}
