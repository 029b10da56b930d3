import { UnsupportedError } from '../../util/errors.ts';
import { COMPUTING_KEYS, type NeutralSizes, OTHER_FAMILIES } from '../families/computing-keys.ts';
import type { Family } from '../families/family.ts';
import type { Fields } from './fields.ts';

/** Rounding of a factor that was written with few digits, or computed in single precision. */
const TOLERANCE = 1e-5;

/**
 * Refuses a config.json that asks for a computation which its architecture does not have: a model of another family
 * under this one's name. Computed as what it is called it would be another model, without a word.
 * @throws UnsupportedError that names the keys.
 */
export function checkKeys(fields: Fields, family: Family, sizes: NeutralSizes): void {
  const asked = COMPUTING_KEYS.filter(({ key, neutral }) => {
    if (family.knows.includes(key)) return false;
    return !isNeutral(fields.get(key), neutral(sizes));
  });
  const named = asked.map(({ key }) => `${key} (${shown(fields.get(key))})`);
  const type = fields.text('model_type')?.toLowerCase() ?? '';
  if (OTHER_FAMILIES.has(type) && !family.modelTypes?.includes(type)) named.unshift(`model_type (${type})`);
  if (named.length === 0) return;
  throw new UnsupportedError(
    `config.json asks for a computation that ${family.name} does not have: ${named.join(', ')}. Computed as ` +
      `${family.name} it would be another model. If the model is of another family, its architecture is not ` +
      'supported; if this is left over in config.json and means nothing for the model, remove it there.',
  );
}

function isNeutral(value: unknown, neutral: readonly unknown[]): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value === 'object') return Object.values(value).every((each) => isNeutral(each, neutral));
  return neutral.some((one) => isSame(value, one));
}

function isSame(value: unknown, neutral: unknown): boolean {
  if (typeof value === 'number' && typeof neutral === 'number') {
    return Math.abs(value - neutral) <= TOLERANCE * Math.abs(neutral);
  }
  if (typeof value === 'string') return value.toLowerCase() === neutral;
  return value === neutral;
}

function shown(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
