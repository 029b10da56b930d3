import type { RemoteWorkerApi, WorkerApi, WorkerJob, WorkerLink } from '../../src/distribute/leader/api.ts';
import { PoolWorker, RemoteWorker, WorkerPool } from '../../src/distribute/leader/worker-pool.ts';
import { JobWorker } from '../../src/distribute/worker/job-worker.ts';
import { serve } from '../../src/distribute/worker/serve.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import type { ReadableDirectory, WritableDirectory } from '../../src/io/bytes.ts';
import type { Emit } from '../../src/job/events.ts';
import { byName } from '../../src/util/by-name.ts';

/** How a worker is lost: when it is asked for `method` the n-th time, it answers with an error or not any more. */
export interface Loss {
  readonly method: Exclude<keyof WorkerApi, 'open' | 'status'>;
  readonly call: number;
  readonly how: 'rejects' | 'ends';
}

export interface WorkerFolders {
  readonly model: ReadableDirectory;
  readonly work: WritableDirectory;
}

/** A worker in this process, on a GPU of its own. Only what can be cloned passes, as between processes. */
export function workerLink(name: string, gpu: Gpu, places: WorkerFolders, loss?: Loss): WorkerLink {
  const speeds = { read: async () => undefined, write: async () => {} };
  const control = { signal: new AbortController().signal };
  const worker = new JobWorker({ gpu, adapter: 'test GPU', ...places, speeds, control });
  let end: (error: Error) => void = () => {};
  const ended = new Promise<never>((_, reject) => {
    end = reject;
  });
  ended.catch(() => {}); // those who wait for it are told
  let calls = 0;
  const lose = async (): Promise<never> => {
    if (loss?.how === 'rejects') throw new Error('Out of memory');
    end(new Error('its process has ended (SIGKILL)'));
    return new Promise(() => {});
  };
  const served = serve(async () => worker);
  const api = byName<RemoteWorkerApi>(async (method, request) => {
    const isLost = method === loss?.method && ++calls === loss.call;
    return isLost
      ? lose()
      : structuredClone(await Reflect.apply(served[method], served, structuredClone(request)));
  });
  return { name, api, ended };
}

/** A leader with these other workers, all as fast as it is. */
export async function poolWith(
  links: readonly WorkerLink[],
  job: WorkerJob,
  emit: Emit,
): Promise<WorkerPool> {
  const workers = links.map((link, i) => new RemoteWorker(i + 2, link, 'test GPU', 1));
  for (const [i, { api }] of links.entries()) await api.open(job, i + 1);
  return new WorkerPool(new PoolWorker(1, 'test GPU', 1), workers, () => 0, emit);
}
