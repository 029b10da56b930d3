import type { BitWidth, Group } from '../../exl2/params.ts';

/** One column of a linear, each group of its weights on the marks that it may choose among. */
export interface RulerData {
  readonly bits: BitWidth;
  readonly groups: readonly RulerGroup[];
  /** Before, in the order of the input features. */
  readonly weight: Float32Array;
  /** On the marks. */
  readonly values: Float32Array;
  /** Root mean square of the difference, relative to the weights'. */
  readonly error: number;
  /** Bits that the whole linear takes for each of its weights: codes, scales and the order of its rows. */
  readonly bitsPerWeight: number;
}

export interface RulerGroup extends Group {
  readonly scale: number;
  /** 1 … 16. */
  readonly scaleCode: number;
  /** What the group stores for all columns: scale = code² / 256 · unit. */
  readonly unit: number;
}

/** Where the marks of a group are, from the lowest. */
export const marks = ({ bits, scale }: RulerGroup): number[] =>
  Array.from({ length: 2 ** bits }, (_, code) => (code - 2 ** (bits - 1)) * scale);
