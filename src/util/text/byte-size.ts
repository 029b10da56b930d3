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
export function formatByteSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let power = 0;
  // 999.5 and more would show four digits.
  while (power < units.length - 1 && bytes / 1024 ** power >= 999.5) power++;
  const amount = bytes / 1024 ** power;
  return `${power === 0 || amount >= 99.95 ? Math.round(amount) : amount.toPrecision(3)} ${units[power]}`;
}
