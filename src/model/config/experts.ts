import { UnsupportedError } from '../../util/errors.ts';
import type { Family } from '../families/family.ts';
import type { Fields } from './fields.ts';

export interface ExpertsConfig {
  readonly count: number;
  readonly perToken: number;
  /** The weights of a token's experts are divided by their sum. */
  readonly normalized: boolean;
}

type ExpertRules = NonNullable<Family['experts']>;

const MOST_EXPERTS = 4096;
const POWER = { min: 0, max: Number.POSITIVE_INFINITY };

/** What config.json says of experts; undefined: the family has none. */
export function parseExperts(fields: Fields, { experts }: Family): ExpertsConfig | undefined {
  if (!experts) return undefined;
  const key = experts.count.find((each) => fields.get(each) !== undefined) ?? experts.count[0]!;
  const count = fields.integer(key, { min: 2, max: MOST_EXPERTS }) ?? experts.defaults.count;
  const perToken =
    fields.integer(experts.perToken, { min: 1, max: count }) ?? Math.min(count, experts.defaults.perToken);
  return { count, perToken, normalized: parseNormalized(fields, experts) };
}

function parseNormalized(fields: Fields, { normalized, normPower }: ExpertRules): boolean {
  if (normPower === undefined) return normalized === undefined || fields.boolean(normalized);
  if (fields.isNull(normPower)) return false;
  const power = fields.number(normPower, POWER) ?? 1;
  if (power !== 1) {
    throw new UnsupportedError(
      `config.json: ${normPower} is ${power}; the weights of experts are divided by their sum (1) or not at all (null)`,
    );
  }
  return true;
}
