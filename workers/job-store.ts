import { createStore, del, get, set, values } from 'idb-keyval';
import { isRefusal, storageRefused } from '../src/io/platform/storage/storage.ts';
import type { TensorInfo } from '../src/tensor/dtype.ts';
import type { ModelSource, OutputTarget } from './api/folders.ts';
import type { JobRecord } from './api/jobs.ts';

/** All that is kept of a job besides its artefacts. In IndexedDB, the only place that takes folder handles. */
export interface JobEntry {
  readonly record: JobRecord;
  /** Files of a list are not kept: the browser would copy them. */
  readonly source: ModelSource;
  readonly output: OutputTarget;
  readonly headers: ModelHeaders;
  /** Disk space that the job takes in all. */
  readonly diskBytes: number;
}

/** What a model's plan is made of, so that the allocation needs no access to the folder. */
export interface ModelHeaders {
  /** config.json, as the weights show it to be meant. */
  readonly config: unknown;
  readonly tensors: readonly TensorInfo[];
  /** By which a folder is known again. */
  readonly fingerprint: string;
}

const store = createStore('exl2-web', 'jobs');

/** Throws InputError where the page may keep nothing. */
async function permitted<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isRefusal(error) ? storageRefused(error) : error;
  }
}

export const readEntries = (): Promise<JobEntry[]> => permitted(() => values<JobEntry>(store));
export const readEntry = (id: string): Promise<JobEntry | undefined> =>
  permitted(() => get<JobEntry>(id, store));
export const deleteEntry = (id: string): Promise<void> => permitted(() => del(id, store));

export function writeEntry(entry: JobEntry): Promise<void> {
  const { source } = entry;
  const kept: ModelSource = source.kind === 'files' ? { ...source, files: [] } : source;
  return permitted(() => set(entry.record.id, { ...entry, source: kept }, store));
}
