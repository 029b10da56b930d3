import { InputError } from '../../util/errors.ts';

/** What a file of calibration data has besides text, as far as it was read. */
export interface PassedOver {
  /** Lines or rows without text. */
  rows: number;
  /** Messages without text, of chats that have some. */
  messages: number;
  /** The first row without text, such as `line 3 has the fields id, label`. */
  firstRow?: string;
}

export const nothingPassedOver = (): PassedOver => ({ rows: 0, messages: 0 });

/** `where` names the row, e.g. `line 3`. */
export function passRow(passed: PassedOver, where: string, fields: readonly string[]): void {
  passed.rows++;
  passed.firstRow ??= `${where} has ${fields.length > 0 ? `the fields ${fields.join(', ')}` : 'no fields'}`;
}

/** What to tell the user of it; undefined: nothing was passed over. */
export function passedOverText(name: string, { rows, messages, firstRow }: PassedOver): string | undefined {
  const parts = [counted(rows, 'row'), counted(messages, 'message')].filter((part) => part !== undefined);
  if (parts.length === 0) return undefined;
  const verb = rows + messages === 1 ? 'was' : 'were';
  return `${name}: ${parts.join(' and ')} without text ${verb} passed over${firstRow ? ` (${firstRow})` : ''}.`;
}

const counted = (count: number, what: string): string | undefined =>
  count === 0 ? undefined : `${count} ${what}${count === 1 ? '' : 's'}`;

/** @param place where text is looked for, if not everywhere. */
export function noText(name: string, { rows, firstRow }: PassedOver, place?: string): InputError {
  if (rows === 0) return new InputError(`${name} has no text: it is empty, or has nothing but spaces.`);
  const where = place === undefined ? '' : ` in ${place}`;
  return new InputError(`${name} has no text: none of its ${rows} rows has any${where} (${firstRow}).`);
}
