import type { ByteSource } from '../../io/bytes.ts';
import { InputError } from '../../util/errors.ts';

/** Bytes read at once: much more than a row needs, little beside a model. */
const PIECE_BYTES = 2 ** 20;

/** A longer line is no line of text or JSON; it would have to be held in memory whole. */
const MAX_LINE_CHARS = 64 * 2 ** 20;

/** A UTF-8 text file in pieces of about a megabyte that end at line ends. Throws InputError. */
export async function* readText(source: ByteSource): AsyncGenerator<string> {
  let rest = '';
  for await (const text of decode(source)) {
    rest += text;
    const end = rest.lastIndexOf('\n') + 1;
    if (end > 0) yield rest.slice(0, end);
    rest = rest.slice(end);
    if (rest.length > MAX_LINE_CHARS) {
      throw new InputError(
        `${source.name} has a line of more than ${MAX_LINE_CHARS} characters; break it into lines.`,
      );
    }
  }
  if (rest) yield rest;
}

async function* decode(source: ByteSource): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for (let at = 0; at < source.size; at += PIECE_BYTES) {
    const end = Math.min(at + PIECE_BYTES, source.size);
    const bytes = await source.read(at, end);
    const nul = bytes.indexOf(0);
    if (nul >= 0) {
      throw new InputError(
        `${source.name} has a NUL byte (at ${at + nul}): it is UTF-16, or no text; save it as UTF-8.`,
      );
    }
    try {
      yield decoder.decode(bytes, { stream: end < source.size });
    } catch {
      throw new InputError(
        `${source.name} is not valid UTF-8 (between bytes ${at} and ${end}); save it as UTF-8.`,
      );
    }
  }
}
