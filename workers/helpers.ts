import { proxy, wrap } from 'comlink';
import type { HelperLink } from '../src/distribute/leader/api.ts';
import { type Control, checkControl } from '../src/job/control.ts';
import type { GpuChoice } from './api/gpu.ts';
import type { GpuJob } from './gpu-api.ts';
import type { HelperPlaces, HelperWorkerApi } from './helper-api.ts';
import { failureOf } from './worker-failure.ts';
import { endOfHolder, newLock } from './worker-lock.ts';

export interface StartedHelpers {
  readonly links: readonly HelperLink[];
  /** Calls under way end with an AbortError. */
  stop(): void;
}

/** Starts the workers that help this one with a run. They end with it, should it end before `stop`. */
export function startHelpers(
  { helpers, source, work, gpuBudgetBytes }: GpuJob,
  control: Control,
): StartedHelpers {
  const stopping = new AbortController();
  const started = helpers.map((choice, i) => {
    const lock = newLock('helper');
    const places = { source, work, gpuBudgetBytes, lock };
    return startHelper(choice, i + 2, places, control, stopping.signal);
  });
  return {
    links: started.map(({ link }) => link),
    stop() {
      stopping.abort();
      for (const { worker } of started) worker.terminate();
    },
  };
}

function startHelper(
  name: GpuChoice,
  number: number,
  places: HelperPlaces,
  control: Control,
  stopping: AbortSignal,
): { worker: Worker; link: HelperLink } {
  const worker = new Worker(new URL('./helper-worker.ts', import.meta.url), { type: 'module', name });
  const api = wrap<HelperWorkerApi>(worker);
  const begun = api.begin(
    places,
    proxy(() => checkControl(control)),
  );
  const ended = Promise.race([failureOf(worker), begun.then(() => endOf(places.lock, stopping))]);
  ended.catch(() => {}); // those who wait for it are told
  return { worker, link: { name: `worker ${number}`, api: api.helper, ended } };
}

async function endOf(lock: string, signal: AbortSignal): Promise<never> {
  await endOfHolder(lock, signal);
  throw new Error('its worker has ended');
}
