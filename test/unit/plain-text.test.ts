import { expect, test } from 'vitest';
import { failureOf } from '../../src/app/state/loadable.ts';
import { jsonLine } from '../../src/cli/json-line.ts';
import { html } from '../../src/report/html.ts';
import {
  DeviceLostError,
  InputError,
  InternalError,
  MainMemoryError,
  NumericalError,
  OutOfMemoryError,
  UnsupportedError,
} from '../../src/util/errors.ts';
import { plainStrings, plainText, visible } from '../../src/util/text/plain-text.ts';

/** Clears the screen, in 7 and in 8 bits; rings; goes back; hides; turns text round. */
const NASTY = '\x1b[2J \x9b2J \x07 \r \x7f \u202egnp.exe \u2066 \u2028 \ufeff';
const SHOWN = '\\u001b[2J \\u009b2J \\u0007 \\u000d \\u007f \\u202egnp.exe \\u2066 \\u2028 \\ufeff';

test('control characters are made visible; line ends, tabs and other writing stay', () => {
  expect(plainText(NASTY)).toBe(SHOWN);
  const text = 'a\n\tb ü 漢字 😀 “x” שלום';
  expect(plainText(text)).toBe(text);
});

test('what is too long loses its middle, and no half of a character is left', () => {
  const short = 'x'.repeat(800);
  expect(plainText(short)).toBe(short);
  const cut = plainText(`start ${'x'.repeat(10_000)} end: do this`);
  expect(cut).toHaveLength(800);
  expect(cut).toMatch(/^start x+…x+ end: do this$/);
  expect(plainText('\n'.repeat(10_000)).length).toBeLessThanOrEqual(4000);
  expect(plainText('\x1b'.repeat(10_000)).length).toBeLessThanOrEqual(4000);
  for (let length = 1200; length < 1206; length++) {
    expect(plainText('😀'.repeat(length))).toMatch(/^(😀)+…(😀)+$/u);
    expect(plainText(`x${'😀'.repeat(length)}`)).toMatch(/^x(😀)+…(😀)+$/u);
  }
  expect(plainText('x'.repeat(200), 120)).toHaveLength(120);
});

test('a message of gigabytes is not gone through', () => {
  const huge = '\x1b'.repeat(2 ** 28);
  expect(plainText(huge)).toHaveLength(800);
});

test.each([
  ...[InputError, UnsupportedError, NumericalError, OutOfMemoryError, MainMemoryError, DeviceLostError],
  InternalError,
  MainMemoryError,
])('every error that explains itself is plain: %o', (type) => {
  const { message, name } = new type(`tensor ${NASTY}${'x'.repeat(10_000)}: get it again`);
  expect(message).toMatch(/^tensor \\u001b\[2J .*…x+: get it again$/);
  expect(message.length).toBeLessThanOrEqual(800);
  expect(name).toBe(type.name);
});

test('an error keeps its cause', () => {
  const cause = new Error('why');
  expect(new InputError('what', { cause }).cause).toBe(cause);
});

test('the page shows other errors plain as well', () => {
  expect(failureOf(new TypeError(NASTY)).message).toBe(SHOWN);
  expect(failureOf(NASTY).message).toBe(SHOWN);
});

test('strings in a value are made plain, and nothing else changes', () => {
  const bytes = Uint8Array.of(1);
  expect(plainStrings({ a: ['\x1b', 1, null, undefined], b: { c: '\x07', bytes } })).toEqual({
    a: ['\\u001b', 1, null, undefined],
    b: { c: '\\u0007', bytes },
  });
});

test('a line of JSON says the same, without any control character', () => {
  const value = { name: NASTY, long: 'x'.repeat(10_000) };
  const line = jsonLine(value);
  expect(JSON.parse(line)).toEqual(value);
  expect(visible(line.trimEnd())).toBe(line.trimEnd());
  expect(line.indexOf('\n')).toBe(line.length - 1);
});

test('a report shows them', () => {
  expect(html`<p>${'\x1b<\x9b'}</p>`.markup).toBe('<p>\\u001b&lt;\\u009b</p>');
});
