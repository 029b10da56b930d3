/** What the GPU worker, which leads a job, and the other workers of the job say to each other. */

import type { RemoteWorkerApi } from '../src/distribute/leader/api.ts';
import type { ModelSource } from './api/folders.ts';
import type { LockHolder } from './supervised-worker.ts';

/** Where a worker finds the job, and what it may take. */
export interface JobWorkerPlaces {
  readonly source: ModelSource;
  /** Work directory in the browser's storage. */
  readonly work: string;
  readonly gpuBudgetBytes: number;
}

export interface JobWorkerApi extends LockHolder, RemoteWorkerApi {
  /**
   * Before what the leader asks.
   * @param check a comlink proxy: resolves when work may go on, throws when the job is cancelled.
   */
  prepare(places: JobWorkerPlaces, check: () => Promise<void>): Promise<void>;
}
