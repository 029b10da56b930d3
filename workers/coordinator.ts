/** Owns the jobs: their records, the choice of the allocation, restarts. The page talks to it alone. */

import { expose } from 'comlink';
import { removeStorage } from '../src/io/platform/storage.ts';
import { InputError } from '../src/util/errors.ts';
import type { CoordinatorApi, JobState } from './api.ts';
import { withPlaces, withTargets } from './changed-job.ts';
import { GpuClient } from './gpu-client.ts';
import { JobBoard } from './job-board.ts';
import { settledRecord, withJobLock } from './job-lock.ts';
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
const gpu = new GpuClient();
const runner = new JobRunner(board, gpu);
const measured = new MeasuredJobs(board);
const texts = new SideBySide(board, gpu, runner);

const api: CoordinatorApi = {
  gpu: () => gpu.facts(),

  async inspect(source) {
    forgetSource();
    return (await openedSource(source)).facts;
  },

  async plan(source, options) {
    const facts = await gpu.facts().catch(() => undefined); // `gpu` says why there is none
    return planJob(await openedSource(source), options, facts);
  },

  async jobs() {
    const entries = await board.all();
    return Promise.all(entries.map(({ record }) => settledRecord(record, runner.active, board)));
  },

  async start(source, output, options) {
    runner.requireIdle();
    const model = await inspectSource(source);
    const { diskBytes, problems } = await planJob(model, options, undefined);
    const severe = problems.find((problem) => problem.severe);
    if (severe) throw new InputError(severe.text);
    const entry = await newJob(model, source, output, options, diskBytes);
    await board.put(entry);
    await runner.start(entry.record.id);
    return entry.record.id;
  },

  async resume(id, source, output) {
    const prepare = (entry: JobEntry) => withPlaces(entry, source ?? entry.source, output ?? entry.output);
    const { record } = await board.get(id);
    if (STOPPED.has(record.state)) await runner.start(id, prepare);
    else await withJobLock(id, async () => board.put(await prepare(await board.get(id))));
  },

  handles: async (id) => missingPermissions(await board.get(id)),
  pause: (id) => runner.pause(id),
  unpause: (id) => runner.unpause(id),

  async cancel(id) {
    if (runner.active === id) await runner.cancel(id);
    else {
      await withJobLock(id, async () => {
        const { record } = await board.get(id);
        if (!ENDED.has(record.state)) await board.change(id, { state: 'cancelled' });
      });
    }
  },

  async remove(id) {
    if (runner.active === id) await runner.cancel(id);
    await withJobLock(id, async () => {
      await removeStorage(STORED.job(id));
      measured.forget(id);
      await board.remove(id);
    });
  },

  measurement: (id) => measured.modules(id),
  measurementJson: (id) => measured.json(id),
  allocate: (id, request) => measured.allocate(id, request),

  async quantize(id, requests) {
    await measured.json(id);
    openSource((await board.get(id)).source); // throws when the files have to be chosen again
    await runner.start(id, (entry) => withTargets(entry, requests));
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
