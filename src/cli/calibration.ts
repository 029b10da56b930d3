import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseMix } from '../calibration/mix-file.ts';
import { calibrationProvider } from '../convert/calibration-provider.ts';
import type { CalibrationProvider } from '../convert/settings.ts';
import { readJsonFile } from '../io/json.ts';
import { openFile } from './open-file.ts';
import type { CliOptions } from './options.ts';
import { calibrationSizes } from './preset.ts';

/** The calibration mix lies beside the built command line. */
const MIX = resolve(dirname(fileURLToPath(import.meta.url)), '../calibration/mix.json');

/** Token rows from the user's file, or from the built-in mix. */
export function calibrationFor(options: CliOptions, onSoftwareAdapter: boolean): CalibrationProvider {
  const { preset, ...sizes } = calibrationSizes(options, onSoftwareAdapter);
  const { calDataset } = options;
  return calibrationProvider({
    shapes: {
      measurement: { rows: sizes.measurementRows, length: sizes.measurementLength },
      quantization: { rows: sizes.datasetRows, length: sizes.length },
    },
    preset,
    seed: options.seed,
    ownData: calDataset === undefined ? undefined : () => openFile(calDataset),
    mix: async () => parseMix(await readJsonFile(await openFile(MIX)), MIX),
  });
}
