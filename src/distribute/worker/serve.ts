import { byName } from '../../util/by-name.ts';
import type { RemoteWorkerApi, WorkerApi } from '../leader/api.ts';

/**
 * A worker for its host to expose: what the leader asks for waits until the worker is there.
 * @param handOver makes of an answer what is sent.
 */
export const serve = (
  worker: () => Promise<WorkerApi>,
  handOver = <T>(answer: T): T => answer,
): RemoteWorkerApi =>
  byName(async (name, request) => {
    const opened = await worker();
    return handOver(await Reflect.apply(opened[name], opened, request));
  });
