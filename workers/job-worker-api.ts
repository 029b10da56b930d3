/** What the GPU worker, which leads a job, and the other workers of the job say to each other. */

import type { ProxyMarked } from 'comlink';
import type { WorkerApi } from '../src/distribute/leader/api.ts';
import type { ModelSource } from './api/folders.ts';

/** Where a worker finds the job, and what it may take. */
export interface JobWorkerPlaces {
  readonly source: ModelSource;
  /** Work directory in the browser's storage. */
  readonly work: string;
  readonly gpuBudgetBytes: number;
  /** Name of a lock that the worker holds as long as it lives. */
  readonly lock: string;
}

export interface JobWorkerApi {
  /**
   * Before anything else. Resolves when the worker holds its lock.
   * @param check a comlink proxy: resolves when work may go on, throws when the job is cancelled.
   */
  begin(places: JobWorkerPlaces, check: () => Promise<void>): Promise<void>;
  /** Marked, as only its methods pass. */
  readonly worker: WorkerApi & ProxyMarked;
}
