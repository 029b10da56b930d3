/** The runs of the engine that a job is made of: the measurement, then one for each bitrate. */

import { storageDirectory } from '../src/io/platform/storage/storage.ts';
import { workDirectory } from '../src/io/work/work-directory.ts';
import { ARTEFACT } from '../src/job/artefacts.ts';
import { BUILT_IN_DATASET, quantizerSettings, SHARD_BYTES } from '../src/job/settings.ts';
import { InputError } from '../src/util/errors.ts';
import type { AllocationRequest, TargetResult } from './api/jobs.ts';
import type { GpuJob, RunOutcome } from './gpu-api.ts';
import { otherGpusOf } from './gpu-choice.ts';
import type { JobEntry } from './job-store.ts';
import { calibrationText, openOutput, STORED } from './places.ts';

export async function readMeasurement(id: string): Promise<unknown> {
  return workDirectory(await storageDirectory(STORED.measure(id))).readJson(ARTEFACT.measurement);
}

export async function writeMeasurement(id: string, measurement: unknown): Promise<void> {
  await workDirectory(await storageDirectory(STORED.measure(id))).writeJson(
    ARTEFACT.measurement,
    measurement,
  );
}

export function measureStep(entry: JobEntry): GpuJob {
  const { record } = entry;
  const job = baseJob(entry, STORED.measure(record.id), record.options.bits[0] ?? 0);
  return { ...job, settings: { ...job.settings, measureOnly: true } };
}

export function targetStep(
  entry: JobEntry,
  { bits, pinned }: AllocationRequest,
  measurement: unknown,
): GpuJob {
  const job = baseJob(entry, STORED.target(entry.record.id, bits), bits);
  const pins = Object.keys(pinned).length > 0 ? { pinned } : {};
  return { ...job, settings: { ...job.settings, measurement, ...pins } };
}

function baseJob({ record, source, output, diskBytes }: JobEntry, work: string, bits: number): GpuJob {
  const { id, options, model, calibrationName } = record;
  const {
    headBits,
    quantizer,
    precision = 'mixed',
    preset,
    seed,
    gpuBudgetBytes,
    memoryBudgetBytes,
    workers = 1,
  } = options;
  const file = calibrationName === undefined ? {} : { file: calibrationName };
  return {
    id,
    source,
    modelName: model.name,
    output,
    work,
    settings: {
      bits,
      headBits,
      quantizer: quantizerSettings(quantizer, preset),
      precision,
      shardBytes: SHARD_BYTES,
      dataset: calibrationName ?? BUILT_IN_DATASET,
    },
    calibration: { text: calibrationText(source), preset, seed, ...file },
    gpuBudgetBytes: Math.floor(gpuBudgetBytes / workers),
    ...(memoryBudgetBytes !== undefined && { memoryBudgetBytes }),
    otherGpus: otherGpusOf(options),
    diskBytes,
  };
}

/** The result of a bitrate that is done. */
export async function targetResult(
  { record, output }: JobEntry,
  bits: number,
  { allocation, evaluation, output: made }: RunOutcome,
): Promise<TargetResult> {
  const work = workDirectory(await storageDirectory(STORED.target(record.id, bits)));
  const result = await work.readJson<EngineResult>(ARTEFACT.result);
  if (!result || !allocation || !made)
    throw new InputError(
      `The result of ${bits} bpw has gone from the browser's storage: go on with the job to make it again.`,
    );
  const folder = await openOutput(output, record.id, record.model.name, bits);
  const written = new Set(made.files);
  const files = (await folder.list()).filter(({ path }) => written.has(path));
  return {
    bits,
    bitsPerWeight: made.bitsPerWeight,
    headBits: made.headBits,
    bytes: made.bytes,
    files,
    perplexity: result.perplexity,
    ...(evaluation && { evaluation }),
    rfnErrors: result.rfn_error,
    linearErrors: result.linear_error,
    ...(result.expert_error && { expertErrors: result.expert_error }),
    ...(result.expert_tokens && { expertTokens: result.expert_tokens }),
    allocation,
  };
}

/** As the engine keeps it in its work directory. */
interface EngineResult {
  readonly rfn_error: Readonly<Record<string, number>>;
  readonly linear_error: Readonly<Record<string, number>>;
  readonly expert_error?: Readonly<Record<string, readonly number[]>>;
  readonly expert_tokens?: Readonly<Record<string, readonly number[]>>;
  readonly perplexity: { readonly original: number; readonly quantized: number };
}
