import type { CalibrationPreset } from './mix/mix-plan.ts';
import { type RowShape, within } from './rows.ts';

/** Rows of tokens to measure and to quantize with. */
export interface CalibrationShapes {
  readonly measurement: RowShape;
  readonly quantization: RowShape;
}

/** The same with rows of `longest` tokens at most. */
export const shapesWithin = (
  { measurement, quantization }: CalibrationShapes,
  longest: number,
): CalibrationShapes => ({
  measurement: within(measurement, longest),
  quantization: within(quantization, longest),
});

const QUICK_LENGTH = 64;
/** The measurement compares candidates that fit the same few tokens alike; and each of them takes all its rows. */
const QUICK_MEASUREMENT: RowShape = { rows: 8, length: 32 };
/** Every kind of text, however narrow the model. */
const QUICK_LEAST_ROWS = 16;

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

/** `neededTokens`: what the model's width asks for; the quick preset takes no more than that to quantize with. */
export function presetShapes(
  preset: CalibrationPreset,
  ownData: boolean,
  neededTokens: number,
): CalibrationShapes {
  if (preset === 'quick') {
    const rows = Math.max(QUICK_LEAST_ROWS, Math.ceil(neededTokens / QUICK_LENGTH));
    return { measurement: QUICK_MEASUREMENT, quantization: { rows, length: QUICK_LENGTH } };
  }
  return ownData ? STANDARD_OWN_DATA : STANDARD;
}
