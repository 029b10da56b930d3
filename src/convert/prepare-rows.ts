import { type CalibrationRows, type JobRows, type RowShape, within } from '../calibrate/rows.ts';
import { ROWS_TENSOR, rowsFromTensor, rowsToTensor } from '../calibrate/rows-artefact.ts';
import { type PassedOver, passedOverText } from '../calibrate/text/passed-over.ts';
import { gpuNeed } from '../estimate/gpu-need.ts';
import { fileBytesIn, memoryBeside } from '../estimate/memory-need.ts';
import { neededTokens, tooFewTokensWarning } from '../estimate/token-need.ts';
import type { TokenRows } from '../evaluate/token-statistics.ts';
import { headParams } from '../exl2/candidates.ts';
import type { WorkDirectory } from '../io/work/work-directory.ts';
import { ARTEFACT } from '../job/artefacts.ts';
import type { Emit } from '../job/events.ts';
import { type JobInputs, jobInputs, modelFingerprint, rowsFingerprint } from '../job/job.ts';
import type { CalibrationProvider } from '../job/settings.ts';
import { longestRow } from '../model/sizes.ts';
import type { TokenEncoder } from '../tokenizer/tokenizer.ts';
import { formatByteSize } from '../util/text/byte-size.ts';
import type { OpenedJob } from './check-job.ts';
import type { ConvertJob } from './convert-job.ts';

/** Of a file of rows: where each of them is from. */
const SOURCES = 'sources';

/** Held-out rows that the result is judged by: a software adapter is slow. */
const HELD_OUT: RowShape = { rows: 16, length: 512 };
const SOFTWARE_HELD_OUT: RowShape = { rows: 2, length: 256 };

/** Token rows, and what the artefacts that are made with them depend on. */
export interface PreparedRows {
  readonly rows: JobRows;
  /** Text that the result is judged by; undefined where a job only measures. */
  readonly heldOut: TokenRows | undefined;
  /** Digest of the model. */
  readonly model: string;
  readonly inputs: JobInputs;
}

/** On what the rows will run. */
export interface RowsHost {
  readonly software: boolean;
  /** Bytes of GPU memory that may be used. */
  readonly budget: number;
  /** Bytes of main memory that each worker may take; undefined: without limit. */
  readonly memoryBudget: number | undefined;
}

/** Makes the token rows of all passes; warns of what was passed over, of memory that may not suffice, and of too few tokens. */
export async function prepareRows(
  { source, plan, tokenizer }: OpenedJob,
  { calibration, settings, emit }: Pick<ConvertJob, 'calibration' | 'settings' | 'emit'>,
  { software, budget, memoryBudget = Number.POSITIVE_INFINITY }: RowsHost,
): Promise<PreparedRows> {
  const longest = longestRow(plan);
  const rows = await makeRows(calibration, tokenizer, neededTokens(plan), longest, emit);
  const shape = within(software ? SOFTWARE_HELD_OUT : HELD_OUT, longest);
  const heldOut = settings.measureOnly ? undefined : await calibration.heldOut(tokenizer, shape);
  tokenizer.close?.();
  const { measurement, quantization = measurement } = rows;
  const shapes = { measurement, quantization };
  const head = headParams(settings.headBits);
  const { bytes } = gpuNeed(plan, head, shapes, settings.quantizer, fileBytesIn(source));
  if (bytes > budget) {
    // Better now than after hours of work; but the estimate may be too high.
    const message = `About ${formatByteSize(bytes)} of GPU memory are needed and ${formatByteSize(budget)} allowed: it may not suffice. Allow more if the GPU has it (--gpu-memory-budget), or calibrate with shorter rows.`;
    emit({ type: 'warning', message });
  }
  const beside = memoryBeside(source, plan, settings.quantizer.method, settings.headBits);
  if (beside > memoryBudget) {
    const message = `About ${formatByteSize(beside)} of main memory are needed and ${formatByteSize(memoryBudget)} allowed, even with all calibration states on disk: it will take more (--memory-budget).`;
    emit({ type: 'warning', message });
  }
  const few = settings.measureOnly ? undefined : tooFewTokensWarning(plan, quantization);
  if (few !== undefined) emit({ type: 'warning', message: few });
  const model = await modelFingerprint(source);
  const digests = {
    model,
    measurement_rows: await rowsFingerprint(rows.measurement),
    ...(rows.quantization && { quantization_rows: await rowsFingerprint(rows.quantization) }),
  };
  return { rows, heldOut, model, inputs: jobInputs(settings, digests) };
}

async function makeRows(
  { measurement, quantization }: CalibrationProvider,
  tokenizer: TokenEncoder,
  needed: number,
  longest: number,
  emit: Emit,
): Promise<JobRows> {
  const rows = {
    measurement: await measurement(tokenizer, needed, longest),
    quantization: await quantization?.(tokenizer, needed, longest),
  };
  const told = passedOver(rows);
  if (told !== undefined) emit({ type: 'warning', message: told });
  return rows;
}

/** Both kinds of rows are from the beginning of one file: what was passed over for one is part of what was for the other. */
function passedOver({ measurement, quantization }: JobRows): string | undefined {
  const count = (passed: PassedOver | undefined) => (passed ? passed.rows + passed.messages : 0);
  const isMore = count(quantization?.passedOver) > count(measurement.passedOver);
  const { passedOver: passed, sources } = isMore ? quantization! : measurement;
  return passed && passedOverText(sources[0]!, passed);
}

/** Keeps the rows as ExLlamaV2 does, for whoever wants to use them again. */
export async function writeRows(work: WorkDirectory, { measurement, quantization }: JobRows): Promise<void> {
  const write = (path: string, kept: CalibrationRows) =>
    work.writeTensors(path, [rowsToTensor(kept)], { [SOURCES]: JSON.stringify(kept.sources) });
  await write(ARTEFACT.measurementRows, measurement);
  if (quantization) await write(ARTEFACT.quantizationRows, quantization);
}

/**
 * Gives the rows that an earlier run of the same job has left in `work`, and else what `provider` makes: tokenizing the
 * whole mix takes seconds.
 */
export function withKeptRows(
  provider: Required<CalibrationProvider>,
  work: WorkDirectory,
): Required<CalibrationProvider> {
  return {
    ...provider,
    measurement: async (tokenizer, ...need) =>
      (await readRows(work, ARTEFACT.measurementRows, tokenizer)) ?? provider.measurement(tokenizer, ...need),
    quantization: async (tokenizer, ...need) =>
      (await readRows(work, ARTEFACT.quantizationRows, tokenizer)) ??
      provider.quantization(tokenizer, ...need),
  };
}

async function readRows(
  work: WorkDirectory,
  path: string,
  { vocabSize }: TokenEncoder,
): Promise<CalibrationRows | undefined> {
  const file = await work.openTensors(path);
  const sources = file?.metadata.get(SOURCES);
  if (!file || sources === undefined) return undefined;
  const rows = rowsFromTensor(await file.read(ROWS_TENSOR), file.name, vocabSize);
  return { ...rows, sources: JSON.parse(sources) as string[] };
}
