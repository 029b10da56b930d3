import { InputError } from '../src/util/errors.ts';
import type { JobRecord, JobState } from './api/jobs.ts';
import type { JobBoard } from './job-board.ts';

/** A page that was just reloaded takes a moment to let go. */
const PATIENCE_MS = 1000;

/**
 * Holds the job's lock until the returned function is called, so that it runs in one tab only; it also keeps the
 * browser from freezing the tab. Throws InputError when another tab holds it.
 */
export async function lockJob(id: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const held = navigator.locks.request(
      `exl2-web job ${id}`,
      { signal: AbortSignal.timeout(PATIENCE_MS) },
      () => new Promise<void>((release) => resolve(() => release())),
    );
    held.catch(() =>
      reject(new InputError('This job is under way in another tab: go on there, or close that tab.')),
    );
  });
}

/** Does something with a job that no tab is working on. Throws InputError when one is. */
export async function withJobLock<T>(id: string, work: () => Promise<T>): Promise<T> {
  const release = await lockJob(id);
  try {
    return await work();
  } finally {
    release();
  }
}

/** States that a job is in only while a tab holds its lock. */
const HELD: ReadonlySet<JobState> = new Set(['waiting', 'running', 'paused']);

/** The record; a job that says that it runs or waits while nobody holds its lock was interrupted. */
export async function settledRecord(record: JobRecord, board: JobBoard): Promise<JobRecord> {
  const { id, state } = record;
  if (!HELD.has(state)) return record;
  try {
    return (await withJobLock(id, () => board.change(id, { state: 'interrupted' }))).record;
  } catch (error) {
    if (error instanceof InputError) return { ...record, elsewhere: true };
    throw error;
  }
}
