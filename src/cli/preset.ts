import type { CliOptions, Preset } from './options.ts';

/** Rows of tokens to measure and to quantize with. */
export interface CalibrationSizes {
  readonly preset: Preset;
  readonly measurementRows: number;
  readonly measurementLength: number;
  readonly datasetRows: number;
  readonly length: number;
}

const QUICK = { measurementRows: 4, measurementLength: 128, datasetRows: 8, length: 128 };
/** The built-in mix in full. */
const STANDARD = { measurementRows: 19, measurementLength: 2048, datasetRows: 115, length: 2048 };
/** ExLlamaV2's defaults for own data. */
const STANDARD_OWN_DATA = { ...STANDARD, measurementRows: 16, datasetRows: 100 };

/** What was asked for, and for the rest the preset; on a software adapter the quick one, as it is slow. */
export function calibrationSizes(options: CliOptions, onSoftwareAdapter: boolean): CalibrationSizes {
  const preset = options.preset ?? (onSoftwareAdapter ? 'quick' : 'standard');
  const standard = options.calDataset === undefined ? STANDARD : STANDARD_OWN_DATA;
  const defaults = preset === 'quick' ? QUICK : standard;
  return {
    preset,
    measurementRows: options.measurementRows ?? defaults.measurementRows,
    measurementLength: options.measurementLength ?? defaults.measurementLength,
    datasetRows: options.datasetRows ?? defaults.datasetRows,
    length: options.length ?? defaults.length,
  };
}
