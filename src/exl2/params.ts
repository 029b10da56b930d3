/** Quantization parameters of one linear layer (ExLlamaV2's `QParams`). */

import { InputError } from '../util/errors.ts';

/** Bit widths that the format knows. */
export const BIT_WIDTHS = [2, 3, 4, 5, 6, 8] as const;
export type BitWidth = (typeof BIT_WIDTHS)[number];

export const isBitWidth = (value: unknown): value is BitWidth => BIT_WIDTHS.some((bits) => bits === value);

/** One share of a linear's input features: `proportion` of them at `bits`, in groups of `groupSize`. */
export interface QuantPart {
  readonly bits: BitWidth;
  readonly proportion: number;
  readonly groupSize: number;
}

/** From high to low width; the proportions sum to 1. Scales have 4 bits always. */
export type QuantParams = readonly QuantPart[];

/** Rows [start, end) of the permuted weight, all at `bits`. */
export interface Group {
  readonly bits: BitWidth;
  readonly start: number;
  readonly end: number;
}

/** Groups hold a multiple of so many rows, so that at any width they fill whole 32-bit words. */
export const ROW_MULTIPLE = 32;

/** Rows of the largest group that the quantizer takes, and ExLlamaV2's tables have; the format knows larger ones. */
export const MAX_GROUP_ROWS = 128;

/** The notation of ExLlamaV2's log: `0.05:3b_64g/0.95:2b_64g s4`. */
export const describe = (params: QuantParams): string =>
  `${params.map((part) => `${part.proportion}:${part.bits}b_${part.groupSize}g`).join('/')} s4`;

/** Reads what {@link describe} writes; ` s4` may be left out. Throws InputError. */
export function parseParams(text: string): QuantParams {
  const parts = text.replace(/ s4$/, '').split('/');
  return checkParams(
    parts.map((part) => {
      const [, proportion, bits, groupSize] = /^([\d.]+):(\d+)b_(\d+)g$/.exec(part) ?? [];
      return { proportion: Number(proportion), bits: Number(bits), groupSize: Number(groupSize) };
    }),
    JSON.stringify(text),
  );
}

/** Takes numbers from outside as parameters; `where` names them in messages. Throws InputError. */
export function checkParams(parts: readonly Record<keyof QuantPart, unknown>[], where: string): QuantParams {
  const wrong = (what: string) => new InputError(`Quantization parameters ${where}: ${what}.`);
  if (parts.length === 0) throw wrong('no bit width is given');
  const checked = parts.map(({ bits, proportion, groupSize }): QuantPart => {
    if (!isBitWidth(bits)) throw wrong(`bit width ${bits}; expected one of ${BIT_WIDTHS.join(', ')}`);
    if (typeof proportion !== 'number' || !(proportion > 0 && proportion <= 1)) {
      throw wrong(`proportion ${proportion} of ${bits} bits; expected a number above 0 and at most 1`);
    }
    if (!Number.isSafeInteger(groupSize) || Number(groupSize) < 1 || Number(groupSize) % ROW_MULTIPLE !== 0) {
      throw wrong(`group size ${groupSize} of ${bits} bits; expected a multiple of ${ROW_MULTIPLE}`);
    }
    return { bits, proportion, groupSize: Number(groupSize) };
  });
  if (checked.some(({ bits }, i) => i > 0 && bits >= checked[i - 1]!.bits)) {
    throw wrong(`bit widths ${checked.map(({ bits }) => bits).join(', ')}; expected them from high to low`);
  }
  const sum = checked.reduce((total, { proportion }) => total + proportion, 0);
  if (Math.abs(sum - 1) > 1e-6) throw wrong(`the proportions sum to ${sum}; expected 1`);
  return checked;
}

/** Parameters of each linear of a module, by name. */
export type ModuleParams = Readonly<Record<string, QuantParams>>;
