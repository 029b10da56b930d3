import { expect, test } from 'vitest';
import type { CalibrationRows } from '../../src/calibrate/rows.ts';
import { withKeptRows, writeRows } from '../../src/convert/prepare-rows.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { workDirectory } from '../../src/io/work/work-directory.ts';
import type { CalibrationProvider } from '../../src/job/settings.ts';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts';

const tokenizer = { vocabSize: 100 } as Tokenizer;
const rowsOf = (first: number): CalibrationRows => ({
  rows: 2,
  length: 3,
  ids: Int32Array.of(first, 2, 3, 4, 5, 6),
  sources: ['code', 'prose'],
});

/** Counts what it makes. */
function provider() {
  const made: string[] = [];
  const make = (kind: string, first: number) => async () => {
    made.push(kind);
    return rowsOf(first);
  };
  const value: Required<CalibrationProvider> = {
    measurement: make('measurement', 10),
    quantization: make('quantization', 20),
    heldOut: make('held out', 30),
  };
  return { made, value };
}

test('rows that were kept are taken with their sources; what was not kept is made', async () => {
  const work = workDirectory(memoryDirectory('work', {}));
  const { made, value } = provider();
  const calibration = withKeptRows(value, work);
  expect(await calibration.quantization(tokenizer, 0, 8)).toEqual(rowsOf(20));
  expect(made).toEqual(['quantization']);

  await writeRows(work, { measurement: rowsOf(1), quantization: rowsOf(7) });
  expect(await calibration.measurement(tokenizer, 0, 8)).toEqual(rowsOf(1));
  expect(await calibration.quantization(tokenizer, 0, 8)).toEqual(rowsOf(7));
  expect(await calibration.heldOut(tokenizer, { rows: 2, length: 3 })).toEqual(rowsOf(30));
  expect(made).toEqual(['quantization', 'held out']);
});
