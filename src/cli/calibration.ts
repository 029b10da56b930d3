import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildCalibration } from '../calibration/mix.ts';
import { parseMix } from '../calibration/mix-file.ts';
import type { CalibrationKind } from '../calibration/mix-plan.ts';
import { readCalibrationFile } from '../calibration/own-data.ts';
import type { CalibrationRows } from '../calibration/rows.ts';
import type { CalibrationProvider } from '../convert/settings.ts';
import { readJsonFile } from '../io/json.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { openFile } from './open-file.ts';
import type { CliOptions } from './options.ts';
import { calibrationSizes } from './preset.ts';

/** The calibration mix lies beside the built command line. */
const MIX = resolve(dirname(fileURLToPath(import.meta.url)), '../calibration/mix.json');

/** Token rows from the user's file, or from the built-in mix. */
export function calibrationProvider(options: CliOptions, onSoftwareAdapter: boolean): CalibrationProvider {
  const { preset, ...sizes } = calibrationSizes(options, onSoftwareAdapter);
  const make = async (kind: CalibrationKind, tokenizer: Tokenizer): Promise<CalibrationRows> => {
    const shape =
      kind === 'measurement'
        ? { rows: sizes.measurementRows, length: sizes.measurementLength }
        : { rows: sizes.datasetRows, length: sizes.length };
    if (options.calDataset !== undefined) {
      return readCalibrationFile(await openFile(options.calDataset), tokenizer, shape);
    }
    const mix = parseMix(await readJsonFile(await openFile(MIX)), MIX);
    return buildCalibration({ mix, tokenizer, kind, preset, ...shape, seed: options.seed });
  };
  return {
    measurement: (tokenizer) => make('measurement', tokenizer),
    quantization: (tokenizer) => make('quantization', tokenizer),
  };
}
