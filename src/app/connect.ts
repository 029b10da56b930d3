import { wrap } from 'comlink';
import type { CoordinatorApi } from '../../workers/api/coordinator.ts';

/** Starts the worker that owns the jobs. */
const startCoordinator = (): Worker =>
  new Worker(new URL('../../workers/coordinator.ts', import.meta.url), { type: 'module' });

/** The coordinator that `worker` is; `onLost` is told why when it gives no answers, or may give none. */
export function connect(onLost: (why: string) => void, worker = startCoordinator()): CoordinatorApi {
  // Only what nobody catches comes here: a script that does not load, or memory that has run out.
  worker.onerror = (event) => {
    onLost(
      event.message
        ? `The page’s worker has ended: ${event.message}. What was finished is kept.`
        : 'The page’s worker could not be started. There may be a newer version of the page.',
    );
  };
  return wrap<CoordinatorApi>(worker);
}
