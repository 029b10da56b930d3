import type { CalibrationPreset } from './mix-plan.ts';
import type { RowShape } from './rows.ts';

/** Rows of tokens to measure and to quantize with. */
export interface CalibrationShapes {
  readonly measurement: RowShape;
  readonly quantization: RowShape;
}

const QUICK: CalibrationShapes = {
  measurement: { rows: 4, length: 128 },
  quantization: { rows: 8, length: 128 },
};

/** The built-in mix in full. */
const STANDARD: CalibrationShapes = {
  measurement: { rows: 19, length: 2048 },
  quantization: { rows: 115, length: 2048 },
};

/** ExLlamaV2's defaults for own data. */
const STANDARD_OWN_DATA: CalibrationShapes = {
  measurement: { rows: 16, length: 2048 },
  quantization: { rows: 100, length: 2048 },
};

export function presetShapes(preset: CalibrationPreset, ownData: boolean): CalibrationShapes {
  if (preset === 'quick') return QUICK;
  return ownData ? STANDARD_OWN_DATA : STANDARD;
}
