import { visible } from '../util/text/plain-text.ts';

/** One line of JSON for programs; control characters are escaped, also those that JSON lets pass: it may be seen on a screen. */
export const jsonLine = (value: unknown): string => `${visible(JSON.stringify(value))}\n`;
