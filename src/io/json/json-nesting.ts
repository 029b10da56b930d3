import { InputError } from '../../util/errors.ts';

/** Real files have some ten levels; what goes through a value level by level runs out of stack at some thousand. */
const MOST_LEVELS = 500;

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [
  0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d,
];

/** Throws InputError for UTF-8 JSON that is nested deeper than any that is meant; `where` names it in the message. */
export function checkNesting(json: Uint8Array, where: string): void {
  let level = 0;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === QUOTE) {
      for (at++; at < json.length && json[at] !== QUOTE; at++) if (json[at] === BACKSLASH) at++;
    } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      if (++level > MOST_LEVELS) {
        throw new InputError(
          `${where} is nested more than ${MOST_LEVELS} levels deep, as no such file is: it is damaged; get it again.`,
        );
      }
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) level--;
  }
}
