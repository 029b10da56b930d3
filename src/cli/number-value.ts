import { InputError } from '../util/errors.ts';

/** The number that `text` says as the value of the option `name`. Throws InputError that says what to write instead. */
export function numberValue(name: string, text: string): number {
  const number = toNumber(text);
  if (!Number.isNaN(number)) return number;
  throw new InputError(`--${name} must be a number, not "${text}".${advice(name, text)}`);
}

/** For messages: `-b 4 -b 5`. */
export const eachByItself = (option: string, values: readonly unknown[]): string =>
  values.map((value) => `${option} ${value}`).join(' ');

const toNumber = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));

/** `4,5` means two values, or a fraction as many countries write it. */
function advice(name: string, text: string): string {
  const parts = text.split(/[,;\s]+/);
  if (parts.length < 2 || parts.some((part) => Number.isNaN(toNumber(part)))) return '';
  const several =
    name === 'bits' ? ` For several bitrates give each by itself, as in ${eachByItself('-b', parts)}.` : '';
  const fraction = /^\d+,\d+$/.test(text) ? ` A fraction has a point: ${parts.join('.')}.` : '';
  return several + fraction;
}
