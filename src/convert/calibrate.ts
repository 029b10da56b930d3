import { rowsToTensor } from '../calibration/artefact.ts';
import type { CalibrationRows } from '../calibration/rows.ts';
import type { WorkDirectory } from '../io/work-directory.ts';
import { loadTokenizer, type Tokenizer } from '../tokenizer/tokenizer.ts';
import { ARTEFACT } from './artefacts.ts';
import type { ConvertJob } from './settings.ts';

export interface JobRows {
  readonly measurement: CalibrationRows;
  readonly quantization: CalibrationRows;
}

/** Makes the token rows of both passes. */
export async function makeRows({ model, calibration }: ConvertJob): Promise<JobRows> {
  const tokenizer: Tokenizer = await loadTokenizer(model);
  return {
    measurement: await calibration.measurement(tokenizer),
    quantization: await calibration.quantization(tokenizer),
  };
}

/** Keeps the rows as ExLlamaV2 does, for whoever wants to use them again. */
export async function writeRows(work: WorkDirectory, rows: JobRows): Promise<void> {
  await work.writeTensors(ARTEFACT.measurementRows, [rowsToTensor(rows.measurement)]);
  await work.writeTensors(ARTEFACT.quantizationRows, [rowsToTensor(rows.quantization)]);
}
