/** What the GPU worker, which leads a job, and its helpers' workers say to each other. */

import type { ProxyMarked } from 'comlink';
import type { HelperApi } from '../src/distribute/leader/api.ts';
import type { ModelSource } from './api/folders.ts';

/** Where a helper finds the job, and what it may take. */
export interface HelperPlaces {
  readonly source: ModelSource;
  /** Work directory in the browser's storage. */
  readonly work: string;
  readonly gpuBudgetBytes: number;
  /** Name of a lock that the helper holds as long as it lives. */
  readonly lock: string;
}

export interface HelperWorkerApi {
  /**
   * Before anything else. Resolves when the helper holds its lock.
   * @param check a comlink proxy: resolves when work may go on, throws when the job is cancelled.
   */
  begin(places: HelperPlaces, check: () => Promise<void>): Promise<void>;
  /** Marked, as only its methods pass. */
  readonly helper: HelperApi & ProxyMarked;
}
