/**
 * Text that may have parts of someone's files in it, as it can be shown: on a terminal control characters move the
 * cursor, colour or hide; text that runs from right to left puts others out of order; and names can be megabytes long.
 */

/** Control characters, other line ends than LF, and what changes the direction of text. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\ufeff]/gu;
const HARMLESS = ['\n', '\t'];

/** Characters of a line, and of a whole message: more is not read. */
const MAX_LINE = 800;
const MAX_TEXT = 4000;

/** Control characters as JSON writes them, such as `\u001b`. */
export const visible = (text: string): string =>
  text.replace(CONTROL, (char) =>
    HARMLESS.includes(char) ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Control characters made visible, and what is too long cut: of each line, and of all, the middle is left out. */
export function plainText(text: string, most = MAX_TEXT): string {
  const lines = shortened(text, 4 * most).split('\n');
  const shown = lines.map((line) => shortened(visible(line), Math.min(most, MAX_LINE)));
  return shortened(shown.join('\n'), most);
}

/** `value` with all strings in it made plain. */
export function plainStrings<T>(value: T): T {
  return plain(value) as T;
}

function plain(value: unknown): unknown {
  if (typeof value === 'string') return plainText(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** The end often says what to do. */
function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = Math.floor(most / 3);
  const [first, last] = [text.slice(0, most - end - 1), text.slice(-end)];
  return `${first.replace(/[\ud800-\udbff]$/, '')}…${last.replace(/^[\udc00-\udfff]/, '')}`;
}
