import { isJsonObject } from '../io/json.ts';
import { InputError } from '../util/errors.ts';
import { CATEGORIES, type Category } from './mix-plan.ts';

/** A text of the mix and the package that it is from. */
export interface MixDocument {
  readonly text: string;
  /** Name of one of the mix's sources. */
  readonly source: string;
}

/** A package that texts were taken from. */
export interface MixSource {
  readonly name: string;
  readonly version: string;
  /** SPDX expression for what was taken. */
  readonly licence: string;
  /** The licence's text where it asks to be passed on with copies. */
  readonly notice?: string;
}

/** The text corpus that scripts/build-calibration.mjs writes to dist/calibration/mix.json. */
export interface CalibrationMix {
  readonly sources: readonly MixSource[];
  readonly categories: Readonly<Record<Category, readonly MixDocument[]>>;
  /** Texts that no calibration row is made of, to evaluate with; some of every category. */
  readonly heldOut: readonly (MixDocument & { readonly category: Category })[];
}

/** Checks a parsed mix file; `name` is for messages. Throws InputError when it was made by another version. */
export function parseMix(value: unknown, name: string): CalibrationMix {
  const categories = isJsonObject(value) ? value['categories'] : undefined;
  const whole =
    isJsonObject(value) &&
    Array.isArray(value['sources']) &&
    Array.isArray(value['heldOut']) &&
    isJsonObject(categories) &&
    CATEGORIES.every((category) => Array.isArray(categories[category]));
  if (!whole) {
    throw new InputError(`${name} is not this version's calibration text; run "npm run build:calibration".`);
  }
  return value as unknown as CalibrationMix;
}
