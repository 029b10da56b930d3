import { ROWS_TENSOR, rowsFromTensor, rowsToTensor } from '../calibration/artefact.ts';
import type { CalibrationRows } from '../calibration/rows.ts';
import type { WorkDirectory } from '../io/work-directory.ts';
import type { ModelPlan } from '../model/plan.ts';
import { loadTokenizer, type Tokenizer } from '../tokenizer/tokenizer.ts';
import { ARTEFACT } from './artefacts.ts';
import type { ConvertJob } from './convert-job.ts';
import type { CalibrationProvider } from './settings.ts';
import { neededTokens } from './token-need.ts';

/** Of a file of rows: where each of them is from. */
const SOURCES = 'sources';

export interface JobRows {
  readonly measurement: CalibrationRows;
  readonly quantization: CalibrationRows;
}

/** Makes the token rows of both passes. */
export async function makeRows({ model, calibration, guard }: ConvertJob, plan: ModelPlan): Promise<JobRows> {
  const tokenizer: Tokenizer = await loadTokenizer(model, guard);
  const needed = neededTokens(plan);
  return {
    measurement: await calibration.measurement(tokenizer, needed),
    quantization: await calibration.quantization(tokenizer, needed),
  };
}

/** Keeps the rows as ExLlamaV2 does, for whoever wants to use them again. */
export async function writeRows(work: WorkDirectory, rows: JobRows): Promise<void> {
  const write = (path: string, kept: CalibrationRows) =>
    work.writeTensors(path, [rowsToTensor(kept)], { [SOURCES]: JSON.stringify(kept.sources) });
  await write(ARTEFACT.measurementRows, rows.measurement);
  await write(ARTEFACT.quantizationRows, rows.quantization);
}

/**
 * Gives the rows that an earlier run of the same job has left in `work`, and else what `provider` makes: tokenizing the
 * whole mix takes seconds.
 */
export function withKeptRows(provider: CalibrationProvider, work: WorkDirectory): CalibrationProvider {
  return {
    ...provider,
    measurement: async (tokenizer, neededTokens) =>
      (await readRows(work, ARTEFACT.measurementRows, tokenizer)) ??
      provider.measurement(tokenizer, neededTokens),
    quantization: async (tokenizer, neededTokens) =>
      (await readRows(work, ARTEFACT.quantizationRows, tokenizer)) ??
      provider.quantization(tokenizer, neededTokens),
  };
}

async function readRows(
  work: WorkDirectory,
  path: string,
  { vocabSize }: Tokenizer,
): Promise<CalibrationRows | undefined> {
  const file = await work.openTensors(path);
  const sources = file?.metadata.get(SOURCES);
  if (!file || sources === undefined) return undefined;
  const rows = rowsFromTensor(await file.read(ROWS_TENSOR), file.name, vocabSize);
  return { ...rows, sources: JSON.parse(sources) as string[] };
}
