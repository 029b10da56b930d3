/**
 * The parameters that a measurement tries, as in ExLlamaV2 0.3.2, so that measurements are interchangeable. One
 * candidate sets all linears of a module; the tables go roughly from small to large.
 */

import { settingKey } from './groups.ts';
import { type BitWidth, parseParams, type QuantParams } from './params.ts';

/** Parameters of each linear of a module, by the linear's name within it. */
export type Candidate = Readonly<Record<string, QuantParams>>;

const table = (names: readonly string[], lines: readonly string[]): readonly Candidate[] =>
  lines.map((line) => {
    const settings = line.split(/\s+/);
    return Object.fromEntries(names.map((name, column) => [name, parseParams(settings[column]!)]));
  });

/** The query and the key projection have the same settings; so has the output projection, in all but one row. */
const ATTENTION = table(
  ['q_proj', 'k_proj', 'v_proj', 'o_proj'],
  [
    ['0.05:3b_64g/0.95:2b_64g', '0.05:3b_64g/0.95:2b_64g'],
    ['0.1:3b_64g/0.9:2b_64g', '0.25:3b_64g/0.75:2b_64g'],
    ['0.1:3b_64g/0.9:2b_64g', '0.1:4b_128g/0.9:3b_128g'],
    ['0.1:3b_64g/0.9:2b_64g', '0.1:4b_128g/0.9:3b_128g', '0.1:4b_128g/0.9:3b_128g'],
    ['0.1:4b_128g/0.9:3b_128g', '0.1:4b_128g/0.9:3b_128g'],
    ['0.1:4b_128g/0.9:3b_128g', '0.1:4b_64g/0.9:3b_64g'],
    ['1:4b_128g', '1:4b_128g'],
    ['1:4b_128g', '1:4b_64g'],
    ['1:4b_64g', '1:4b_32g'],
    ['1:4b_32g', '1:4b_32g'],
    ['0.1:5b_128g/0.9:4b_128g', '0.1:5b_64g/0.9:4b_64g'],
    ['0.1:5b_64g/0.9:4b_64g', '0.1:5b_32g/0.9:4b_32g'],
    ['0.1:5b_64g/0.9:4b_64g', '1:5b_64g'],
    ['0.1:5b_32g/0.9:4b_32g', '1:5b_32g'],
    ['0.1:6b_128g/0.9:5b_128g', '1:6b_128g'],
    ['0.1:6b_32g/0.9:5b_32g', '1:6b_32g'],
    ['1:6b_128g', '1:6b_128g'],
    ['1:6b_32g', '1:8b_32g'],
    ['1:8b_128g', '1:8b_128g'],
  ].map(([queryAndKey, value, output = queryAndKey]) => `${queryAndKey} ${queryAndKey} ${value} ${output}`),
);

const MLP = table(
  ['gate_proj', 'up_proj', 'down_proj'],
  [
    '0.05:3b_64g/0.95:2b_64g 0.05:3b_64g/0.95:2b_64g  0.05:6b_32g/0.2:3b_64g/0.75:2b_64g',
    '0.1:3b_64g/0.9:2b_64g   0.25:3b_64g/0.75:2b_64g  0.05:6b_32g/0.2:3b_64g/0.75:2b_64g',
    '0.1:3b_64g/0.9:2b_64g   0.3:3b_64g/0.7:2b_64g    0.05:5b_32g/0.95:3b_32g',
    '0.1:3b_64g/0.9:2b_64g   0.3:3b_64g/0.7:2b_64g    0.05:5b_32g/0.95:4b_32g',
    '0.1:4b_128g/0.9:3b_128g 0.25:4b_128g/0.75:3b_128g 0.05:8b_32g/0.1:4b_128g/0.85:3b_128g',
    '0.1:4b_32g/0.9:3b_32g   0.25:4b_32g/0.75:3b_32g  0.05:8b_32g/0.1:4b_32g/0.85:3b_32g',
    '0.1:4b_32g/0.9:3b_32g   0.25:4b_32g/0.75:3b_32g  0.05:8b_32g/0.95:4b_128g',
    '1:4b_128g               1:4b_32g                 0.05:8b_32g/0.95:4b_128g',
    '1:4b_32g                1:4b_32g                 0.05:8b_32g/0.95:4b_32g',
    '0.1:5b_128g/0.9:4b_128g 0.25:5b_128g/0.75:4b_128g 0.05:8b_32g/0.1:5b_128g/0.85:4b_128g',
    '0.1:5b_32g/0.9:4b_32g   0.25:5b_32g/0.75:4b_32g  0.05:8b_32g/0.1:5b_32g/0.85:4b_32g',
    '0.1:6b_128g/0.9:5b_128g 0.25:6b_128g/0.75:5b_128g 0.05:8b_32g/0.1:6b_128g/0.85:5b_128g',
    '0.1:6b_32g/0.9:5b_32g   0.25:6b_32g/0.75:5b_32g  0.05:8b_32g/0.1:6b_32g/0.85:5b_32g',
    '1:6b_128g               1:6b_128g                0.05:8b_32g/0.95:6b_128g',
    '0.1:8b_128g/0.9:6b_128g 0.1:8b_128g/0.9:6b_128g  0.15:8b_128g/0.85:6b_128g',
    '0.1:8b_128g/0.9:6b_128g 0.1:8b_128g/0.9:6b_128g  1:8b_128g',
    '1:8b_128g               1:8b_128g                1:8b_128g',
  ],
);

const MLP_WITHOUT_GATE = MLP.map(({ gate_proj: _, ...others }) => others);

const HEAD: Readonly<Record<BitWidth, QuantParams>> = {
  2: parseParams('0.3:4b_32g/0.7:2b_32g'),
  3: parseParams('0.15:4b_32g/0.85:3b_32g'),
  4: parseParams('0.15:6b_32g/0.85:4b_32g'),
  5: parseParams('0.15:6b_128g/0.85:5b_128g'),
  6: parseParams('0.15:8b_128g/0.85:6b_128g'),
  8: parseParams('1:8b_128g'),
};

/** 19 candidates for q_proj, k_proj, v_proj and o_proj. */
export const attentionCandidates = (): readonly Candidate[] => ATTENTION;

/** 17 candidates for gate_proj (if there is one), up_proj and down_proj. */
export const mlpCandidates = (hasGate: boolean): readonly Candidate[] => (hasGate ? MLP : MLP_WITHOUT_GATE);

/** The head is never measured: its parameters follow from `head_bits`. */
export const headParams = (headBits: BitWidth): QuantParams => HEAD[headBits];

/** What a linear has to be quantized with, each once, and which of it every candidate takes. */
export interface DistinctSettings {
  readonly settings: readonly QuantParams[];
  /** Candidate → index into `settings`. */
  readonly indexOf: readonly number[];
}

/** Settings of `linear` with the same groups for its k are one: they give the same tensors. */
export function distinctSettings(
  candidates: readonly Candidate[],
  linear: string,
  k: number,
): DistinctSettings {
  const settings: QuantParams[] = [];
  const seen = new Map<string, number>();
  const indexOf = candidates.map((candidate) => {
    const params = candidate[linear]!;
    const key = settingKey(k, params);
    const index = seen.get(key) ?? settings.push(params) - 1;
    seen.set(key, index);
    return index;
  });
  return { settings, indexOf };
}
