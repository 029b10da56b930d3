import { presetShapes } from '../calibration/preset.ts';
import type { CliOptions, Preset } from './options.ts';

/** Rows of tokens to measure and to quantize with. */
export interface CalibrationSizes {
  readonly preset: Preset;
  readonly measurementRows: number;
  readonly measurementLength: number;
  readonly datasetRows: number;
  readonly length: number;
}

/** What was asked for, and for the rest the preset; on a software adapter the quick one, as it is slow. */
export function calibrationSizes(options: CliOptions, onSoftwareAdapter: boolean): CalibrationSizes {
  const preset = options.preset ?? (onSoftwareAdapter ? 'quick' : 'standard');
  const { measurement, quantization } = presetShapes(preset, options.calDataset !== undefined);
  return {
    preset,
    measurementRows: options.measurementRows ?? measurement.rows,
    measurementLength: options.measurementLength ?? measurement.length,
    datasetRows: options.datasetRows ?? quantization.rows,
    length: options.length ?? quantization.length,
  };
}
