import { proxy, wrap } from 'comlink';
import type { WorkerLink } from '../src/distribute/leader/api.ts';
import { type Control, checkControl } from '../src/job/control.ts';
import type { GpuChoice } from './api/gpu.ts';
import type { GpuJob } from './gpu-api.ts';
import type { JobWorkerApi, JobWorkerPlaces } from './job-worker-api.ts';
import { endWorker, workerFailure } from './worker-failure.ts';
import { endOfHolder, newLock } from './worker-lock.ts';

export interface JobWorkers {
  readonly links: readonly WorkerLink[];
  /** Calls under way end with an AbortError. */
  stop(): void;
}

/** Starts the other workers of a run. They end with it, should it end before `stop`. */
export function startJobWorkers(
  { otherGpus, source, work, gpuBudgetBytes }: GpuJob,
  control: Control,
): JobWorkers {
  const stopping = new AbortController();
  const started = otherGpus.map((choice, i) => {
    const lock = newLock('job');
    const places = { source, work, gpuBudgetBytes, lock };
    return startJobWorker(choice, i + 2, places, control, stopping.signal);
  });
  return {
    links: started.map(({ link }) => link),
    stop() {
      stopping.abort();
      for (const { worker } of started) endWorker(worker);
    },
  };
}

function startJobWorker(
  name: GpuChoice,
  number: number,
  places: JobWorkerPlaces,
  control: Control,
  stopping: AbortSignal,
): { worker: Worker; link: WorkerLink } {
  const worker = new Worker(new URL('./job-worker.ts', import.meta.url), { type: 'module', name });
  const api = wrap<JobWorkerApi>(worker);
  const begun = api.begin(
    places,
    proxy(() => checkControl(control)),
  );
  const ended = Promise.race([workerFailure(worker), begun.then(() => endOf(places.lock, stopping))]);
  ended.catch(() => {}); // those who wait for it are told
  return { worker, link: { name: `worker ${number}`, api: api.worker, ended } };
}

async function endOf(lock: string, signal: AbortSignal): Promise<never> {
  await endOfHolder(lock, signal);
  throw new Error('its worker has ended');
}
