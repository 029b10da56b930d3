import { buildCalibration } from '../calibration/mix.ts';
import type { CalibrationMix } from '../calibration/mix-file.ts';
import type { CalibrationKind, CalibrationPreset } from '../calibration/mix-plan.ts';
import { readCalibrationFile } from '../calibration/own-data.ts';
import type { CalibrationShapes } from '../calibration/preset.ts';
import type { CalibrationRows } from '../calibration/rows.ts';
import { variedRows } from '../evaluate/text-rows.ts';
import type { ByteSource } from '../io/bytes.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { CalibrationProvider } from './settings.ts';

export interface CalibrationChoice {
  readonly shapes: CalibrationShapes;
  readonly preset: CalibrationPreset;
  readonly seed: number;
  /** The user's file; undefined: the built-in mix. */
  readonly ownData: (() => Promise<ByteSource>) | undefined;
  readonly mix: () => Promise<CalibrationMix>;
}

/** Token rows from the user's file, or from the built-in mix. */
export function calibrationProvider(choice: CalibrationChoice): Required<CalibrationProvider> {
  const { shapes, preset, seed, ownData, mix } = choice;
  const make = async (kind: CalibrationKind, tokenizer: Tokenizer): Promise<CalibrationRows> => {
    const shape = shapes[kind];
    if (ownData) return readCalibrationFile(await ownData(), tokenizer, shape);
    return buildCalibration({ mix: await mix(), tokenizer, kind, preset, ...shape, seed });
  };
  return {
    measurement: (tokenizer) => make('measurement', tokenizer),
    quantization: (tokenizer) => make('quantization', tokenizer),
    heldOut: async (tokenizer, { rows, length }) =>
      variedRows('The held-out text', (await mix()).heldOut, tokenizer, length, rows),
  };
}
