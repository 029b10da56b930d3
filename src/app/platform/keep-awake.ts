/** What only the page can ask for while a job runs; workers can't. */

import { effect } from '@preact/signals';

/** Keeps the screen on, and warns before the tab is closed, while `running()`. Returns the undoing. */
export function keepAwakeWhile(running: () => boolean): () => void {
  let lock: WakeLockSentinel | undefined;
  const hold = async () => {
    if (!running() || document.visibilityState !== 'visible') return;
    // Refused on low battery; the job goes on anyway.
    lock = await navigator.wakeLock?.request('screen').catch(() => undefined);
  };
  const warn = (event: BeforeUnloadEvent) => event.preventDefault();
  // The browser drops the lock whenever the tab is hidden.
  document.addEventListener('visibilitychange', hold);
  const stop = effect(() => {
    window.removeEventListener('beforeunload', warn);
    void lock?.release();
    lock = undefined;
    if (!running()) return;
    window.addEventListener('beforeunload', warn);
    void hold();
  });
  return () => {
    stop();
    document.removeEventListener('visibilitychange', hold);
  };
}

/** Asks the browser not to clear the jobs' files when the disk gets full. */
export const keepStorage = (): Promise<boolean> => navigator.storage?.persist?.() ?? Promise.resolve(false);
