import { InputError } from '../errors.ts';

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

/** Bytes of a size as people write it: `6GB` (10^9), `512MiB` (2^20), `1.5 GiB`, `1048576`. Throws InputError. */
export function parseByteSize(text: string): number {
  const [, amount, unit] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  const factor = UNITS[unit?.toUpperCase() || 'B'];
  if (amount === undefined || factor === undefined) {
    throw new InputError(`"${text}" is not a size: write a number and a unit, such as 6GB or 512MiB.`);
  }
  return Math.floor(Number(amount) * factor);
}

/** Three digits and a binary unit: `13.0 MiB`. */
export const formatByteSize = (bytes: number): string =>
  inUnits(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']);

/** Three digits and a decimal unit, as the page and the report have it: `13.6 MB`. */
export const formatDecimalSize = (bytes: number): string =>
  inUnits(bytes, 1000, ['B', 'kB', 'MB', 'GB', 'TB']);

function inUnits(bytes: number, base: number, units: readonly string[]): string {
  let power = 0;
  // 999.5 and more would show four digits.
  while (power < units.length - 1 && bytes / base ** power >= 999.5) power++;
  const amount = bytes / base ** power;
  return `${power === 0 || amount >= 99.95 ? Math.round(amount) : amount.toPrecision(3)} ${units[power]}`;
}
