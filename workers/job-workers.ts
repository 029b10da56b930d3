import { proxy } from 'comlink';
import type { WorkerLink } from '../src/distribute/leader/api.ts';
import { type Control, checkControl } from '../src/job/control.ts';
import type { GpuChoice } from './api/gpu.ts';
import type { GpuJob } from './gpu-api.ts';
import type { JobWorkerApi, JobWorkerPlaces } from './job-worker-api.ts';
import { superviseWorker } from './supervised-worker.ts';

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
  const places = { source, work, gpuBudgetBytes };
  const started = otherGpus.map((choice) => startJobWorker(choice, places, control));
  return {
    links: started.map(({ api, ended }, i) => ({ name: `worker ${i + 2}`, api, ended })),
    stop() {
      for (const worker of started) worker.stop(new DOMException('The run has ended.', 'AbortError'));
    },
  };
}

function startJobWorker(name: GpuChoice, places: JobWorkerPlaces, control: Control) {
  const worker = superviseWorker<JobWorkerApi>(
    () => new Worker(new URL('./job-worker.ts', import.meta.url), { type: 'module', name }),
    'job',
    new Error('its worker has ended'),
  );
  worker.ended.catch(() => {}); // those who wait for it are told
  const prepared = worker.api.prepare(
    places,
    proxy(() => checkControl(control)),
  );
  prepared.catch(() => {}); // the leader is told when it opens the job
  return worker;
}
