import { CHUNK_BYTES } from '../src/io/chunks.ts';
import { fileSource } from '../src/io/platform/file-source.ts';
import { removeStorage, storageDirectory } from '../src/io/platform/storage/storage.ts';
import { workDirectory } from '../src/io/work/work-directory.ts';
import { writeFile } from '../src/io/write-file.ts';
import { measurementFromJson } from '../src/measurement/measurement-json.ts';
import { checkOutput } from '../src/write/output-directory.ts';
import type { ModelSource, OutputTarget } from './api/folders.ts';
import type { AllocationRequest, JobRecord } from './api/jobs.ts';
import type { JobOptions, JobPlan } from './api/options.ts';
import { writeMeasurement } from './job-steps.ts';
import type { JobEntry } from './job-store.ts';
import { headersOf, type OpenedModel } from './open-source.ts';
import { requireApart } from './output-apart.ts';
import { openOutput, STORED } from './places.ts';

/** Makes the job's entry and puts the files it was given into the browser's storage. Throws InputError. */
export async function newJob(
  model: OpenedModel,
  source: ModelSource,
  output: OutputTarget,
  options: JobOptions,
  { diskBytes, times }: JobPlan,
): Promise<JobEntry> {
  const { calibrationFile, measurement, ...kept } = options;
  if (measurement !== undefined) measurementFromJson(measurement, model.plan);
  const now = Date.now();
  const targets = options.chooseAfterMeasuring
    ? []
    : [...new Set(options.bits)].map((bits): AllocationRequest => ({ bits, pinned: {} }));
  const record: JobRecord = {
    id: crypto.randomUUID(),
    modelName: model.facts.name,
    created: now,
    changed: now,
    state: 'waiting',
    times,
    options: kept,
    ...(calibrationFile && { calibrationName: calibrationFile.name }),
    model: model.facts,
    sourceGone: false,
    outputName: outputName(output),
    targets,
    measured: measurement !== undefined,
    recorded: true,
    results: [],
  };
  const entry = { record, source, output, headers: await headersOf(model), diskBytes };
  await checkOutputs(entry, targets);
  try {
    if (measurement !== undefined) await writeMeasurement(record.id, measurement);
    if (calibrationFile) await keepCalibration(record.id, calibrationFile);
  } catch (error) {
    await removeStorage(STORED.job(record.id));
    throw error;
  }
  return entry;
}

/** Makes sure, before there is any work, that nothing of the user's would be overwritten or taken for the model's. */
export async function checkOutputs(entry: JobEntry, targets: readonly AllocationRequest[]): Promise<void> {
  const { record, output } = entry;
  await requireApart(
    entry,
    targets.map(({ bits }) => bits),
  );
  for (const { bits } of targets) {
    const folder = await openOutput(output, record.id, record.model.name, bits);
    await checkOutput(folder, workDirectory(await storageDirectory(STORED.target(record.id, bits))));
  }
}

export const outputName = (output: OutputTarget): string =>
  output.kind === 'handle' ? output.handle.name : '';

async function keepCalibration(id: string, file: File): Promise<void> {
  const source = fileSource(file, file.name);
  await writeFile(await storageDirectory(STORED.calibration(id)), file.name, async (sink) => {
    for (let at = 0; at < source.size; at += CHUNK_BYTES) {
      await sink.write(await source.read(at, Math.min(source.size, at + CHUNK_BYTES)));
    }
  });
}
