/** What only the page can ask for while a job runs; workers can't. */

import { effect } from '@preact/signals';

/** Keeps the screen on, and warns before the tab is closed, while `running()`. Returns the undoing. */
export function keepAwakeWhile(running: () => boolean): () => void {
  let lock: WakeLockSentinel | undefined;
  /** Counts what was asked for: of several answers under way only the last one is kept. */
  let latest = 0;
  const letGo = () => {
    latest++;
    void lock?.release();
    lock = undefined;
  };
  const hold = async () => {
    letGo();
    if (!running() || document.visibilityState !== 'visible') return;
    const own = latest;
    // Refused on low battery; the job goes on anyway.
    const answer = await navigator.wakeLock?.request('screen').catch(() => undefined);
    if (own === latest) lock = answer;
    else void answer?.release();
  };
  const warn = (event: BeforeUnloadEvent) => event.preventDefault();
  // The browser drops the lock whenever the tab is hidden.
  document.addEventListener('visibilitychange', hold);
  const stop = effect(() => {
    window.removeEventListener('beforeunload', warn);
    void hold();
    if (running()) window.addEventListener('beforeunload', warn);
  });
  return () => {
    stop();
    letGo();
    document.removeEventListener('visibilitychange', hold);
  };
}

/** Asks the browser not to clear the jobs' files when the disk gets full. */
export const keepStorage = (): Promise<boolean> => navigator.storage?.persist?.() ?? Promise.resolve(false);
