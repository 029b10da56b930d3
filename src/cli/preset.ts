import { type CalibrationShapes, presetShapes } from '../calibrate/preset.ts';
import type { RowShape } from '../calibrate/rows.ts';
import { InputError } from '../util/errors.ts';
import type { CliOptions, Preset } from './options.ts';

/** On a software adapter the quick one, as it is slow. */
export const presetOf = ({ preset }: CliOptions, onSoftwareAdapter: boolean): Preset =>
  preset ?? (onSoftwareAdapter ? 'quick' : 'standard');

/**
 * Tokens of one pass. Their hidden states, 4 bytes for each of the model's hidden size, take a terabyte where that is
 * 1024; conversions take some hundred thousand.
 */
const MAX_TOKENS = 2 ** 28;

/**
 * What was asked for, and for the rest the preset.
 * @throws InputError when that are more tokens than any computer has room for.
 */
export function calibrationSizes(
  options: CliOptions,
  preset: Preset,
  neededTokens: number,
): CalibrationShapes {
  const { measurement, quantization } = presetShapes(preset, options.calDataset !== undefined, neededTokens);
  const shapes = {
    measurement: {
      rows: options.measurementRows ?? measurement.rows,
      length: options.measurementLength ?? measurement.length,
    },
    quantization: {
      rows: options.datasetRows ?? quantization.rows,
      length: options.length ?? quantization.length,
    },
  };
  checkTokens(shapes.measurement, '--measurement_rows', '--measurement_length');
  checkTokens(shapes.quantization, '--dataset_rows', '--length');
  return shapes;
}

function checkTokens({ rows, length }: RowShape, rowsOption: string, lengthOption: string): void {
  if (rows * length <= MAX_TOKENS) return;
  throw new InputError(
    `${rowsOption} ${rows} × ${lengthOption} ${length} are ${rows * length} tokens; at most ${MAX_TOKENS} can be asked ` +
      'for, and some hundred thousand suffice. Ask for fewer or shorter rows.',
  );
}
