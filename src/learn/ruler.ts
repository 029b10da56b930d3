import { totalBits } from '../exl2/groups.ts';
import type { BitWidth } from '../exl2/params.ts';
import { f16BitsToF32 } from '../util/half.ts';
import type { RulerData } from './data/ruler-data.ts';
import { evenGroups, quantizeColumns } from './sweep.ts';

export interface RulerInput {
  /** Columns (k, n) that share their groups' units. */
  readonly weight: Float32Array;
  readonly k: number;
  /** The one that is shown. */
  readonly column: number;
  /** Columns of the whole linear. */
  readonly columns: number;
}

/** Rounds columns to the marks of `bits` bits in groups of `groupSize` rows, as they come, and shows one of them. */
export function ruler(
  { weight, k, column, columns }: RulerInput,
  bits: BitWidth,
  groupSize: number,
): RulerData {
  const n = weight.length / k;
  const settings = { bits, groupSize, compensate: false, actOrder: false };
  const order = Uint32Array.from({ length: k }, (_, i) => i);
  const quantized = quantizeColumns(weight, k, settings, { order, u: new Float64Array(k * k).fill(1) });
  const own = (all: ArrayLike<number>) =>
    Float32Array.from({ length: all.length / n }, (_, row) => all[row * n + column]!);
  const [before, values] = [own(weight), own(quantized.values)];
  return {
    bits,
    groups: evenGroups(k, bits, groupSize).map((group, i) => ({
      ...group,
      scale: quantized.scales[i * n + column]!,
      scaleCode: quantized.scaleCodes[i * n + column]!,
      unit: f16BitsToF32(quantized.units[i]!),
    })),
    weight: before,
    values,
    error: Math.sqrt(squares(values.map((value, i) => value - before[i]!)) / squares(before)),
    bitsPerWeight: totalBits(k, columns, [{ bits, proportion: 1, groupSize }], false) / (k * columns),
  };
}

const squares = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);
