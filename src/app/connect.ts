import { wrap } from 'comlink';
import type { CoordinatorApi } from '../../workers/api.ts';

/** Starts the worker that owns the jobs. */
export function connect(): CoordinatorApi {
  const worker = new Worker(new URL('../../workers/coordinator.ts', import.meta.url), { type: 'module' });
  return wrap<CoordinatorApi>(worker);
}
