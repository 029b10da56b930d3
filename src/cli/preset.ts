import { type CalibrationShapes, presetShapes } from '../calibration/preset.ts';
import type { CliOptions, Preset } from './options.ts';

/** What was asked for, and for the rest the preset; on a software adapter the quick one, as it is slow. */
export function calibrationSizes(
  options: CliOptions,
  onSoftwareAdapter: boolean,
): { preset: Preset; shapes: CalibrationShapes } {
  const preset = options.preset ?? (onSoftwareAdapter ? 'quick' : 'standard');
  const { measurement, quantization } = presetShapes(preset, options.calDataset !== undefined);
  return {
    preset,
    shapes: {
      measurement: {
        rows: options.measurementRows ?? measurement.rows,
        length: options.measurementLength ?? measurement.length,
      },
      quantization: {
        rows: options.datasetRows ?? quantization.rows,
        length: options.length ?? quantization.length,
      },
    },
  };
}
