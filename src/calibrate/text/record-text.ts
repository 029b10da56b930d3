/** The text of a record, as data sets for language models have them: one of JSON lines, or a row of Parquet. */
import { isJsonObject } from '../../io/json/json.ts';
import type { PassedOver } from './passed-over.ts';

export type DataRecord = Readonly<Record<string, unknown>>;

/** Fields that together are a record's text. */
interface Form {
  readonly fields: readonly string[];
  /** Only where each of them has text. */
  readonly whole?: boolean;
  readonly between: string;
}

const PAIR = ['prompt', 'completion'];

/** The first that has text counts. */
const FORMS: readonly Form[] = [
  { fields: ['text'], between: '' },
  { fields: ['content'], between: '' },
  { fields: PAIR, whole: true, between: '' },
  { fields: ['messages'], between: '' },
  { fields: ['conversations'], between: '' },
  { fields: ['instruction', 'input', 'context', 'output', 'response'], between: '\n\n' },
  { fields: PAIR, between: '' },
];

/** The fields that hold chats. */
export const CHAT_FIELDS: readonly string[] = ['messages', 'conversations'];

/** For messages. */
export const KNOWN_FIELDS =
  '"text", "content", "prompt" and "completion", "messages", "conversations", or "instruction" and "output"';

/** Undefined when it has no text. Messages without text, as tool calls are, are passed over. */
export function recordText(record: DataRecord, passed: PassedOver): string | undefined {
  for (const { fields, whole, between } of FORMS) {
    const texts = fields.map((field) => fieldText(record[field]));
    const found = texts.filter((text) => text !== undefined);
    if (found.length === 0 || (whole && found.length < fields.length)) continue;
    for (const field of fields) passed.messages += emptyMessages(record[field]);
    return found.join(between);
  }
  return undefined;
}

/** A string, or a list of messages. */
function fieldText(value: unknown): string | undefined {
  if (!Array.isArray(value)) return stringText(value);
  const texts = value.map(messageText).filter((text) => text !== undefined);
  return texts.length > 0 ? texts.join('\n\n') : undefined;
}

const emptyMessages = (value: unknown): number =>
  Array.isArray(value) ? value.filter((message) => messageText(message) === undefined).length : 0;

/** `content`, or what ShareGPT calls it: a string, or a list of parts of which those with text count. */
function messageText(message: unknown): string | undefined {
  const { content, value }: DataRecord = isJsonObject(message) ? message : { content: message };
  const found = content ?? value;
  if (!Array.isArray(found)) return stringText(found);
  const texts = found.map((part) => stringText(isJsonObject(part) ? part['text'] : part));
  const parts = texts.filter((text) => text !== undefined);
  return parts.length > 0 ? parts.join('\n') : undefined;
}

const stringText = (value: unknown): string | undefined =>
  typeof value === 'string' && /\S/.test(value) ? value : undefined;
