/** Owns the jobs: their records, the choice of the allocation, restarts. The page talks to it alone. */

import { expose } from 'comlink';
import { removeStorage } from '../src/io/platform/storage/storage.ts';
import { InputError } from '../src/util/errors.ts';
import { hasSecondGpu } from './adapter.ts';
import type { CoordinatorApi } from './api/coordinator.ts';
import type { GpuFacts } from './api/gpu.ts';
import type { JobState } from './api/jobs.ts';
import { gpusOf, type JobOptions } from './api/options.ts';
import { removeDropped, withPlaces, withTargets } from './changed-job.ts';
import { checkCalibration } from './check-calibration.ts';
import { asOneGpu } from './gpu-choice.ts';
import { GpuClient } from './gpu-client.ts';
import { JobBoard } from './job-board.ts';
import { settledRecord, withJobLock } from './job-lock.ts';
import { JobQueue } from './job-queue.ts';
import { JobRunner } from './job-runner.ts';
import type { JobEntry } from './job-store.ts';
import { MeasuredJobs } from './measured-jobs.ts';
import { newJob } from './new-job.ts';
import { forgetSource, inspectSource, openedSource } from './open-source.ts';
import { missingPermissions } from './permissions.ts';
import { openSource, outputFiles, STORED } from './places.ts';
import { planJob } from './plan-job.ts';
import { SideBySide } from './side-by-side.ts';

/** States that a job goes on from. */
const STOPPED: ReadonlySet<JobState> = new Set(['interrupted', 'failed', 'cancelled']);
const ENDED: ReadonlySet<JobState> = new Set(['failed', 'cancelled', 'done']);

const board = new JobBoard();
const gpus = {
  'high-performance': new GpuClient('high-performance'),
  'low-power': new GpuClient('low-power'),
};
const queue = new JobQueue(board, {
  'high-performance': new JobRunner(board, gpus['high-performance']),
  'low-power': new JobRunner(board, gpus['low-power']),
});
const measured = new MeasuredJobs(board);
const texts = new SideBySide(board, gpus['high-performance'], queue);

/** `gpu` says why there are none. */
const factsFor = (options: JobOptions): Promise<GpuFacts | undefined> =>
  Promise.all(gpusOf(options).map((gpu) => gpus[gpu].facts())).then(asOneGpu, () => undefined);

/** A text that is being written gives way, so that the job does not wait for it. */
const enqueue: JobQueue['add'] = async (...given) => {
  await texts.stop();
  await queue.add(...given);
};

async function discard(id: string): Promise<void> {
  await removeStorage(STORED.job(id));
  measured.forget(id);
  await board.remove(id);
}

const api: CoordinatorApi = {
  gpu: () => gpus['high-performance'].facts(),
  secondGpu: async () => ((await hasSecondGpu()) ? gpus['low-power'].facts() : undefined),

  async inspect(source) {
    forgetSource();
    return (await openedSource(source)).facts;
  },

  async plan(source, options) {
    return planJob(await openedSource(source), options, await factsFor(options));
  },

  checkCalibration: async (source, file, preset) =>
    checkCalibration(await openedSource(source), source, file, preset),

  async jobs() {
    const entries = await board.all();
    return Promise.all(
      entries.map(({ record }) => (queue.has(record.id) ? record : settledRecord(record, board))),
    );
  },

  async start(source, output, options) {
    const model = await inspectSource(source);
    const plan = await planJob(model, options, await factsFor(options));
    const severe = plan.problems.find((problem) => problem.severe);
    if (severe) throw new InputError(severe.text);
    const entry = await newJob(model, source, output, options, plan);
    const { id } = entry.record;
    await board.put(entry);
    try {
      await enqueue(id);
    } catch (error) {
      await discard(id);
      throw error;
    }
    return id;
  },

  async resume(id, source, output) {
    const prepare = (entry: JobEntry) => withPlaces(entry, source ?? entry.source, output ?? entry.output);
    const { record } = await board.get(id);
    if (STOPPED.has(record.state)) await enqueue(id, prepare);
    else await withJobLock(id, async () => board.put(await prepare(await board.get(id))));
  },

  handles: async (id) => missingPermissions(await board.get(id)),
  pause: async (id) => queue.runnerOf(id).pause(),
  unpause: async (id) => queue.runnerOf(id).unpause(),
  moveUp: (id) => queue.moveUp(id),

  async cancel(id) {
    if (queue.has(id)) await queue.cancel(id);
    else {
      await withJobLock(id, async () => {
        const { record } = await board.get(id);
        if (!ENDED.has(record.state)) await board.change(id, { state: 'cancelled' });
      });
    }
  },

  async remove(id) {
    if (queue.has(id)) await queue.cancel(id);
    await withJobLock(id, () => discard(id));
  },

  measurement: (id) => measured.modules(id),
  kept: (id) => measured.kept(id),
  measurementJson: (id) => measured.json(id),
  // Most visits do without these.
  async recording(id) {
    const { readRecording } = await import('./job-recorder.ts');
    return readRecording(id);
  },
  async inspectLinear(id, ...asked) {
    const { inspectKept } = await import('./inspect-kept.ts');
    return inspectKept(await board.get(id), ...asked);
  },
  async calibrationText(id) {
    const { calibrationText } = await import('./inspect-kept.ts');
    return calibrationText(await board.get(id));
  },
  allocate: (id, request) => measured.allocate(id, request),

  async quantize(id, requests) {
    await measured.json(id);
    openSource((await board.get(id)).source); // throws when the files have to be chosen again
    await enqueue(id, (entry) => withTargets(entry, requests), removeDropped);
  },

  async outputFiles(id, bits) {
    const { output, record } = await board.get(id);
    return outputFiles(output, id, record.model.name, bits);
  },

  write: (id, bits, request, listener) => texts.write(id, bits, request, listener),
  stopWriting: () => texts.stop(),
  freeModels: () => texts.free(),

  async watch(listener) {
    board.watch(listener);
  },
};

expose(api);
