/** The end of a conversion: the output directory, the verdict on it, report and model card. */

import type { Strategy } from '../allocate/optimize.ts';
import type { WholeRows } from '../calibrate/rows.ts';
import type { Metrics } from '../evaluate/metrics.ts';
import type { ReadableDirectory, WritableDirectory } from '../io/bytes.ts';
import { readChunked } from '../io/chunks.ts';
import { writeFile } from '../io/write-file.ts';
import { ARTEFACT } from '../job/artefacts.ts';
import type { StageContext } from '../job/context.ts';
import { stage } from '../job/stage.ts';
import type { Recorder } from '../report/recorder.ts';
import { reportPage } from '../report/report.ts';
import { type ReportData, reportData } from '../report/report-data.ts';
import { type Compiled, compile } from '../write/compile.ts';
import { CARD, findCard, modelCard } from '../write/model-card.ts';
import { claimOutput } from '../write/output-directory.ts';
import type { ConvertJob } from './convert-job.ts';
import { evaluateOutput, type Reference } from './evaluate-output.ts';

const REPORT = 'report.html';

/** What the stages before have found. */
export interface Findings {
  readonly rows: WholeRows;
  readonly strategy: Strategy;
  readonly rfnErrors: Readonly<Record<string, number>>;
  readonly linearErrors: Readonly<Record<string, number>>;
  /** Calibration tokens of each expert, by the choice's key. */
  readonly expertTokens: Readonly<Record<string, readonly number[]>>;
  /** Undefined: nothing is compared. */
  readonly reference: Reference | undefined;
  readonly recorder: Recorder;
}

/** Writes the output, compares it with the original, and says all about it. */
export async function writeAndEvaluate(
  context: StageContext,
  job: ConvertJob,
  findings: Findings,
): Promise<void> {
  const { reference, ...found } = findings;
  const { plan } = context;
  const { settings, model, output } = job;
  const { bytes, checksum } = await writeOutput(context, job, found.rows);
  if (reference) await evaluateOnce(context, job, reference, checksum);
  const data = reportData({ ...found, plan, settings, outputBytes: bytes });
  await writeWords(model, output, data);
  const files = await output.list();
  job.emit({
    type: 'output',
    directory: output.name,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    bitsPerWeight: data.bitsPerWeight,
    headBits: settings.headBits,
    files: files.map(({ path }) => path),
  });
}

function writeOutput(context: StageContext, job: ConvertJob, rows: WholeRows): Promise<Compiled> {
  const { bits, headBits, shardBytes, dataset } = job.settings;
  return stage(context, 'compile', async () => {
    const { rows: count, length } = rows.quantization;
    await claimOutput(job.output, context.work);
    const quantization = { bits, headBits, calibration: { rows: count, length, dataset } };
    return compile(context, job.model, job.output, quantization, shardBytes);
  });
}

/** Compares what was written with the original. @param output checksum of what was written. */
async function evaluateOnce(
  context: StageContext,
  job: ConvertJob,
  reference: Reference,
  output: string,
): Promise<void> {
  const { work, emit } = context;
  const earlier = await work.readJson<Evaluation>(ARTEFACT.evaluation);
  if (earlier?.output === output) {
    emit({ type: 'stage', stage: 'evaluate', state: 'reused' });
    emit({ type: 'evaluation', measures: earlier.measures });
    return;
  }
  await stage(context, 'evaluate', async () => {
    const measures = await evaluateOutput(context, job, reference);
    if (!measures) return;
    await work.writeJson(ARTEFACT.evaluation, { output, measures } satisfies Evaluation);
    emit({ type: 'evaluation', measures });
  });
}

/** The verdict on an output. */
interface Evaluation {
  /** The output's checksum: figures of another one say nothing of it. */
  readonly output: string;
  readonly measures: Metrics;
}

/** Report and model card. The original card is the model's own: the output may still hold one of another model. */
async function writeWords(
  model: ReadableDirectory,
  output: WritableDirectory,
  data: ReportData,
): Promise<void> {
  const original = findCard((await model.list()).map(({ path }) => path));
  await writeText(output, CARD, modelCard(data, original && (await readText(model, original))));
  await writeText(output, REPORT, reportPage(data));
}

const writeText = (directory: WritableDirectory, path: string, text: string): Promise<void> =>
  writeFile(directory, path, (sink) => sink.write(new TextEncoder().encode(text)));

/** Undefined when there is no such file. */
async function readText(directory: ReadableDirectory, path: string): Promise<string | undefined> {
  const source = await directory.open(path);
  return source && new TextDecoder().decode(await readChunked(source, 0, source.size));
}
