import { presetShapes } from '../src/calibrate/preset.ts';
import type { CalibrationRows } from '../src/calibrate/rows.ts';
import { calibrationProvider } from '../src/convert/calibration-provider.ts';
import { convert } from '../src/convert/convert.ts';
import { withKeptRows } from '../src/convert/prepare-rows.ts';
import type { ByteSource } from '../src/io/bytes.ts';
import { countBytes, countReads } from '../src/io/counted-directory.ts';
import { storageDirectory } from '../src/io/platform/storage/storage.ts';
import { workDirectory } from '../src/io/work/work-directory.ts';
import type { Control } from '../src/job/control.ts';
import type { ConvertEvent, Emit } from '../src/job/events.ts';
import type { CalibrationProvider } from '../src/job/settings.ts';
import type { StageName } from '../src/job/stages.ts';
import { assert } from '../src/util/errors.ts';
import type { GpuChoice } from './api/gpu.ts';
import { EventBatch } from './event-batch.ts';
import { explainFullDisk } from './full-disk.ts';
import type { GpuJob, RunListener, RunOutcome } from './gpu-api.ts';
import { withJobGpu } from './job-gpu.ts';
import { startJobWorkers } from './job-workers.ts';
import { keptSpeeds } from './kept-speeds.ts';
import { calibrationMix, openOutput, openSource, STORED } from './places.ts';
import { RateMeter } from './rates.ts';
import { openTokenizer } from './tokenizer-client.ts';

const RATES_INTERVAL_MS = 1000;

/** Runs the engine once; the signal of `control` is to be aborted afterwards too. Throws what `convert` throws. */
export async function runJob(
  choice: GpuChoice,
  job: GpuJob,
  control: Control,
  listener: RunListener,
): Promise<RunOutcome> {
  const calibration = await calibrationOf(job);
  const meter = new RateMeter((stage) => calibration.tokensOf(stage));
  const events = new EventBatch<ConvertEvent>(['progress', 'memory', 'workers'], (batch) =>
    listener({ type: 'events', events: batch }),
  );
  let outcome: RunOutcome = {};
  const jobWorkers = startJobWorkers(job, control);
  const timer = setInterval(() => listener({ type: 'rates', ...meter.sample() }), RATES_INTERVAL_MS);
  try {
    const output = await openOutput(job.output, job.id, job.modelName, job.settings.bits);
    const work = await storageDirectory(job.work);
    const emit: Emit = (event) => {
      meter.see(event);
      events.add(event);
      if (event.type === 'allocation') outcome = { ...outcome, allocation: event };
      if (event.type === 'evaluation') outcome = { ...outcome, evaluation: event.measures };
      if (event.type === 'output') outcome = { ...outcome, output: event };
    };
    await withJobGpu(choice, job, ({ gpu, name, software }) =>
      convert({
        ...{ gpu, adapter: { name, software }, speeds: keptSpeeds },
        model: countReads(openSource(job.source), meter.bytes),
        output: countBytes(output, meter.bytes),
        work: countBytes(work, meter.bytes),
        ...{
          settings: job.settings,
          calibration: calibration.provider,
          emit,
          control,
          openTokenizer: ({ name }) => openTokenizer(job.source, name, control.signal),
          memoryBudget: job.memoryBudgetBytes,
          remotes: jobWorkers.links,
        },
      }),
    );
    return outcome;
  } catch (error) {
    throw await explainFullDisk(error, job.diskBytes);
  } finally {
    clearInterval(timer);
    jobWorkers.stop();
    await removeScratch(job.work);
    await events.flush();
  }
}

interface JobCalibration {
  readonly provider: CalibrationProvider;
  /** Tokens that a stage takes, once they are made. */
  readonly tokensOf: (stage: StageName) => number;
}

/** The measurement and every bitrate take the same rows: they are made once. */
async function calibrationOf({ id, calibration }: GpuJob): Promise<JobCalibration> {
  const { text, preset, seed, file } = calibration;
  const ownData = file === undefined ? undefined : () => openCalibration(id, file);
  const shapes = (neededTokens: number) => presetShapes(preset, file !== undefined, neededTokens);
  const made = calibrationProvider({ shapes, text, preset, seed, ownData, mix: calibrationMix });
  const kept = withKeptRows(made, workDirectory(await storageDirectory(STORED.measure(id))));
  const tokens = new Map<StageName, number>();
  const counted = async (stage: StageName, making: Promise<CalibrationRows>): Promise<CalibrationRows> => {
    const rows = await making;
    tokens.set(stage, rows.ids.length);
    return rows;
  };
  return {
    provider: {
      ...kept,
      measurement: (...given) => counted('measure', kept.measurement(...given)),
      quantization: (...given) => counted('quantize', kept.quantization(...given)),
    },
    tokensOf: (stage) => tokens.get(stage) ?? 0,
  };
}

async function openCalibration(id: string, file: string): Promise<ByteSource> {
  const source = await (await storageDirectory(STORED.calibration(id))).open(file);
  assert(source, `the calibration file ${file} has gone from the browser's storage`);
  return source;
}

/** States of the other workers, which have been ended with them open. */
const removeScratch = async (work: string): Promise<void> => {
  // What is still there goes when the job is begun again, or removed.
  await (await storageDirectory(work)).scratch?.clear().catch(() => {});
};
