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
import { calibrationSizes, presetOf } from './preset.ts';

/** The calibration mix lies beside the built command line. */
const MIX = resolve(dirname(fileURLToPath(import.meta.url)), '../calibration/mix.json');

/** The built-in text. */
export const readMix = async (): Promise<CalibrationMix> =>
  parseMix(await readJsonFile(await openFile(MIX)), MIX);

/** Token rows from the user's file, or from the built-in mix. */
export function calibrationFor(options: CliOptions, onSoftwareAdapter: boolean): CalibrationProvider {
  const preset = presetOf(options, onSoftwareAdapter);
  const { calDataset } = options;
  return calibrationProvider({
    shapes: (neededTokens) => calibrationSizes(options, preset, neededTokens),
    preset,
    seed: options.seed,
    ownData: calDataset === undefined ? undefined : () => openFile(calDataset),
    mix: readMix,
  });
}

/** How many rows that will give. */
export function plannedRows(
  options: CliOptions,
  onSoftwareAdapter: boolean,
  neededTokens: number,
): CalibrationShapes {
  const preset = presetOf(options, onSoftwareAdapter);
  const shapes = calibrationSizes(options, preset, neededTokens);
  if (options.calDataset !== undefined) return shapes;
  return {
    measurement: mixShape(preset, 'measurement', shapes.measurement),
    quantization: mixShape(preset, 'quantization', shapes.quantization),
  };
}
