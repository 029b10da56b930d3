/** Browsers tell nobody when a worker has ended, but give its locks back: each one holds a lock while it lives. */

/** A name for a worker's lock. */
export const newLock = (what: string): string => `exl2-web ${what} ${crypto.randomUUID()}`;

/** Resolves when the lock is held, as long as this worker lives. */
export const holdLock = (lock: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const forever = () => new Promise<never>(() => resolve());
    navigator.locks.request(lock, forever).catch(reject);
  });

/** Resolves when the worker that holds the lock has ended. Rejects with the signal's reason when that is aborted. */
export async function endOfHolder(lock: string, signal: AbortSignal): Promise<void> {
  await navigator.locks.request(lock, { signal }, () => {});
}
