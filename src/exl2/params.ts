/** Quantization parameters of one linear layer (ExLlamaV2's `QParams`), and the groups that they make. */

/** Bit widths that the format knows. */
export const BIT_WIDTHS = [2, 3, 4, 5, 6, 8] as const;
export type BitWidth = (typeof BIT_WIDTHS)[number];

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
