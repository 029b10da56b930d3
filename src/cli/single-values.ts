import type { Options } from 'yargs';
import { InputError } from '../util/errors.ts';

/** Throws InputError for an option that takes one value and was given several: yargs makes a list of them. */
export function refuseRepeats(
  given: Readonly<Record<string, unknown>>,
  options: Readonly<Record<string, Options>>,
): void {
  for (const [name, { type }] of Object.entries(options)) {
    const value = given[name];
    if (type === 'array' || !Array.isArray(value)) continue;
    throw new InputError(
      `--${name} is given ${value.length} times, but takes one value: leave the others out.`,
    );
  }
}
