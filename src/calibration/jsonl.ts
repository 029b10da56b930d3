import type { ByteSource } from '../io/bytes.ts';
import { isJsonObject, parseJson } from '../io/json.ts';
import { InputError } from '../util/errors.ts';
import { readText } from './text-file.ts';

/**
 * The texts of a JSON-lines file, one a line: the field `text`, else `content`, else `prompt` and `completion`,
 * else the contents of `messages`. Throws InputError with the line's number.
 */
export async function* readJsonLines(source: ByteSource): AsyncGenerator<string> {
  let lineNumber = 0;
  for await (const piece of readText(source)) {
    // A piece ends with its last line's end, which starts no line of its own.
    for (const line of piece.replace(/\n$/, '').split('\n')) {
      lineNumber++;
      if (line.trim()) yield recordText(line, `${source.name}, line ${lineNumber}`);
    }
  }
}

function recordText(line: string, where: string): string {
  const value = parseJson(line, where);
  const text = isJsonObject(value) ? findText(value) : undefined;
  if (text !== undefined) return text;
  const found = isJsonObject(value) ? `fields ${Object.keys(value).join(', ') || '(none)'}` : 'no object';
  throw new InputError(
    `${where} has ${found}; each line needs text in "text", "content", "prompt" and "completion", or "messages".`,
  );
}

function findText(record: Record<string, unknown>): string | undefined {
  const { text, content, prompt, completion, messages } = record;
  if (typeof text === 'string') return text;
  if (typeof content === 'string') return content;
  if (typeof prompt === 'string' && typeof completion === 'string') return `${prompt}${completion}`;
  if (!Array.isArray(messages)) return undefined;
  const contents = messages.map(messageText);
  return contents.every((part) => part !== undefined) ? contents.join('\n\n') : undefined;
}

/** A message's content: a string, or a list of parts of which those with text count. */
function messageText(message: unknown): string | undefined {
  const content = isJsonObject(message) ? message['content'] : undefined;
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return undefined;
  const texts = content.map((part) => (isJsonObject(part) ? part['text'] : undefined));
  return texts.filter((part) => typeof part === 'string').join('\n');
}
