import type { CalibrationRows, RowShape } from '../../calibrate/rows.ts';
import type { CalibrationProvider } from '../../job/settings.ts';
import { seededRandom } from '../../util/random.ts';
import type { BenchRows } from './shape.ts';

/** Rows of random tokens, always the same. */
export function randomRows(
  { measurement, quantization }: BenchRows,
  vocabulary: number,
): CalibrationProvider {
  const make = async ({ rows, length }: RowShape, seed: number): Promise<CalibrationRows> => {
    const random = seededRandom(seed);
    const ids = Int32Array.from({ length: rows * length }, () => Math.floor(random() * vocabulary));
    return { rows, length, ids, sources: new Array<string>(rows).fill('random tokens') };
  };
  return {
    measurement: () => make(measurement, 2),
    quantization: () => make(quantization, 3),
    heldOut: (_, shape) => make(shape, 4),
  };
}
