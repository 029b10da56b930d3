import { type CalibrationShapes, presetShapes } from '../calibration/preset.ts';
import type { CliOptions, Preset } from './options.ts';

/** On a software adapter the quick one, as it is slow. */
export const presetOf = ({ preset }: CliOptions, onSoftwareAdapter: boolean): Preset =>
  preset ?? (onSoftwareAdapter ? 'quick' : 'standard');

/** What was asked for, and for the rest the preset. */
export function calibrationSizes(
  options: CliOptions,
  preset: Preset,
  neededTokens: number,
): CalibrationShapes {
  const { measurement, quantization } = presetShapes(preset, options.calDataset !== undefined, neededTokens);
  return {
    measurement: {
      rows: options.measurementRows ?? measurement.rows,
      length: options.measurementLength ?? measurement.length,
    },
    quantization: {
      rows: options.datasetRows ?? quantization.rows,
      length: options.length ?? quantization.length,
    },
  };
}
