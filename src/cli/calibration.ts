import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CalibrationMix, readMix } from '../calibrate/mix/mix-file.ts';
import { type MixChoice, mixShape } from '../calibrate/mix/mix-plan.ts';
import { type CalibrationShapes, shapesWithin } from '../calibrate/preset.ts';
import { calibrationProvider } from '../convert/calibration-provider.ts';
import type { CalibrationProvider } from '../job/settings.ts';
import { BUNDLED_MODEL } from './job-places.ts';
import { openFile } from './open-file.ts';
import type { CliOptions } from './options.ts';
import { calibrationSizes, presetOf } from './preset.ts';

/** The repository: as far above this file as above the built command line. */
const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const MIX = 'data/calibration.bin';

/** The built-in text. */
export const builtInText = async (): Promise<CalibrationMix> =>
  readMix(
    await openFile(resolve(ROOT, MIX)),
    `Get it back with "git checkout -- ${MIX}", then run the command again.`,
  );

function mixChoice(options: CliOptions, onSoftwareAdapter: boolean): MixChoice {
  const bundled = options.inDir === resolve(ROOT, BUNDLED_MODEL);
  return { text: bundled ? 'stories' : 'mix', preset: presetOf(options, onSoftwareAdapter) };
}

/** Token rows from the user's file, or from the built-in mix; of a job that only measures, no others than for that. */
export function calibrationFor(options: CliOptions, onSoftwareAdapter: boolean): CalibrationProvider {
  const choice = mixChoice(options, onSoftwareAdapter);
  const { calDataset, outputMeasurement } = options;
  const { quantization, ...others } = calibrationProvider({
    ...choice,
    shapes: (neededTokens) => calibrationSizes(options, choice.preset, neededTokens),
    seed: options.seed,
    ownData: calDataset === undefined ? undefined : () => openFile(calDataset),
    mix: builtInText,
  });
  return outputMeasurement === undefined ? { ...others, quantization } : others;
}

/** How many rows that will give. @param longest tokens of a row at most. */
export function plannedRows(
  options: CliOptions,
  onSoftwareAdapter: boolean,
  neededTokens: number,
  longest = Number.POSITIVE_INFINITY,
): CalibrationShapes {
  const choice = mixChoice(options, onSoftwareAdapter);
  const asked = calibrationSizes(options, choice.preset, neededTokens);
  const shapes = shapesWithin(asked, longest);
  if (options.calDataset !== undefined) return shapes;
  return {
    measurement: mixShape(choice, 'measurement', shapes.measurement),
    quantization: mixShape(choice, 'quantization', shapes.quantization),
  };
}
