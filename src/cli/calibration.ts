import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CalibrationMix, parseMix } from '../calibration/mix-file.ts';
import { mixShape } from '../calibration/mix-plan.ts';
import type { CalibrationShapes } from '../calibration/preset.ts';
import { calibrationProvider } from '../convert/calibration-provider.ts';
import type { CalibrationProvider } from '../convert/settings.ts';
import { readJsonFile } from '../io/json.ts';
import { openFile } from './open-file.ts';
import type { CliOptions } from './options.ts';
import { calibrationSizes } from './preset.ts';

/** The calibration mix lies beside the built command line. */
const MIX = resolve(dirname(fileURLToPath(import.meta.url)), '../calibration/mix.json');

/** The built-in text. */
export const readMix = async (): Promise<CalibrationMix> =>
  parseMix(await readJsonFile(await openFile(MIX)), MIX);

/** Token rows from the user's file, or from the built-in mix; of a job that only measures, no others than for that. */
export function calibrationFor(options: CliOptions, onSoftwareAdapter: boolean): CalibrationProvider {
  const { preset, shapes } = calibrationSizes(options, onSoftwareAdapter);
  const { calDataset, outputMeasurement } = options;
  const { quantization, ...others } = calibrationProvider({
    shapes,
    preset,
    seed: options.seed,
    ownData: calDataset === undefined ? undefined : () => openFile(calDataset),
    mix: readMix,
  });
  return outputMeasurement === undefined ? { ...others, quantization } : others;
}

/** How many rows that will give. */
export function plannedRows(options: CliOptions, onSoftwareAdapter: boolean): CalibrationShapes {
  const { preset, shapes } = calibrationSizes(options, onSoftwareAdapter);
  if (options.calDataset !== undefined) return shapes;
  return {
    measurement: mixShape(preset, 'measurement', shapes.measurement),
    quantization: mixShape(preset, 'quantization', shapes.quantization),
  };
}
