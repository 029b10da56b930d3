import { buildCalibration } from '../calibrate/mix/mix.ts';
import type { CalibrationMix } from '../calibrate/mix/mix-file.ts';
import type { CalibrationKind, MixChoice } from '../calibrate/mix/mix-plan.ts';
import { type CalibrationShapes, shapesWithin } from '../calibrate/preset.ts';
import type { CalibrationRows } from '../calibrate/rows.ts';
import { readCalibrationFile } from '../calibrate/text/own-data.ts';
import { variedRows } from '../evaluate/text-rows.ts';
import type { ByteSource } from '../io/bytes.ts';
import type { CalibrationProvider } from '../job/settings.ts';
import type { TokenEncoder } from '../tokenizer/tokenizer.ts';

export interface CalibrationChoice extends MixChoice {
  readonly shapes: (neededTokens: number) => CalibrationShapes;
  readonly seed: number;
  /** The user's file; undefined: the built-in mix. */
  readonly ownData: (() => Promise<ByteSource>) | undefined;
  readonly mix: () => Promise<CalibrationMix>;
}

/** Token rows from the user's file, or from the built-in mix. */
export function calibrationProvider(choice: CalibrationChoice): Required<CalibrationProvider> {
  const { shapes, text, preset, seed, ownData, mix } = choice;
  const make = async (
    kind: CalibrationKind,
    tokenizer: TokenEncoder,
    neededTokens: number,
    longest: number,
  ): Promise<CalibrationRows> => {
    const shape = shapesWithin(shapes(neededTokens), longest)[kind];
    if (ownData) return readCalibrationFile(await ownData(), tokenizer, shape);
    return buildCalibration({ mix: await mix(), tokenizer, kind, text, preset, ...shape, seed });
  };
  return {
    measurement: (...given) => make('measurement', ...given),
    quantization: (...given) => make('quantization', ...given),
    heldOut: async (tokenizer, { rows, length }) =>
      variedRows('The held-out text', (await mix()).heldOut, tokenizer, length, rows),
  };
}
