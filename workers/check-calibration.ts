import { presetShapes, shapesWithin } from '../src/calibrate/preset.ts';
import { type RowShape, TooFewTokensError } from '../src/calibrate/rows.ts';
import { neededTokens } from '../src/estimate/token-need.ts';
import { fileSource } from '../src/io/platform/file-source.ts';
import { longestRow } from '../src/model/sizes.ts';
import { InputError } from '../src/util/errors.ts';
import type { ModelSource } from './api/folders.ts';
import type { JobOptions } from './api/options.ts';
import type { OpenedModel } from './open-source.ts';
import { openTokenizer } from './tokenizer-client.ts';

/** Makes the rows of the user's file as a job would. Throws InputError in words for the page. */
export async function checkCalibration(
  { source, plan }: OpenedModel,
  from: ModelSource,
  file: File,
  preset: JobOptions['preset'],
): Promise<void> {
  const shapes = shapesWithin(presetShapes(preset, true, neededTokens(plan)), longestRow(plan));
  const larger = Object.values(shapes).reduce((a, b) => (tokensOf(b) > tokensOf(a) ? b : a));
  // Its readers are needed by few.
  const { readCalibrationFile } = await import('../src/calibrate/text/own-data.ts');
  const tokenizer = await openTokenizer(from, source.name);
  try {
    await readCalibrationFile(fileSource(file, file.name), tokenizer, larger);
  } catch (error) {
    throw error instanceof TooFewTokensError ? tooShort(file.name, error.found, larger, preset) : error;
  } finally {
    tokenizer.close();
  }
}

const tokensOf = ({ rows, length }: RowShape): number => rows * length;

function tooShort(name: string, found: number, shape: RowShape, preset: JobOptions['preset']): InputError {
  const fewer = preset === 'standard' ? ', or choose the quick amount of calibration text' : '';
  return new InputError(
    `${name} has ${found} tokens; ${tokensOf(shape)} are needed (${shape.rows} rows of ${shape.length}). Give more text${fewer}.`,
  );
}
