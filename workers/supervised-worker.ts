import { type Remote, wrap } from 'comlink';
import { UntilEnd } from '../src/util/until-end.ts';
import { endWorker, workerFailure } from './worker-failure.ts';
import { endOfHolder, newLock } from './worker-lock.ts';

/** What is asked of every worker before anything else. */
export interface LockHolder {
  /** Resolves when the worker holds this lock, as it does as long as it lives. */
  begin(lock: string): Promise<void>;
}

export interface SupervisedWorker<Api> {
  readonly api: Remote<Api>;
  /** Ends it with all that it holds. @param reason for those who wait for it. */
  stop(reason?: unknown): void;
  /** Rejects when the worker ends, however that comes. */
  readonly ended: Promise<never>;
  /** Calls under way would wait forever. */
  readonly untilEnd: UntilEnd;
}

/** @param what is in the worker, for messages. @param lost what to throw when it ends without a word. */
export function superviseWorker<Api extends LockHolder>(
  worker: Worker,
  what: string,
  lost: Error,
): SupervisedWorker<Api> {
  const api = wrap<LockHolder>(worker);
  const stopping = new AbortController();
  let end: (reason: unknown) => void = () => {};
  const ended = new Promise<never>((_, reject) => {
    end = reject;
  });
  workerFailure(worker).catch(({ message }) => end(new Error(`The ${what} worker has stopped: ${message}.`)));
  const lock = newLock(what);
  void api
    .begin(lock)
    .then(() => endOfHolder(lock, stopping.signal))
    .then(
      () => end(lost),
      () => {}, // it was stopped
    );
  const stop = (reason: unknown = new Error(`The ${what} worker was stopped.`)) => {
    endWorker(worker);
    stopping.abort();
    end(reason);
  };
  return { api: api as unknown as Remote<Api>, stop, ended, untilEnd: new UntilEnd(ended) };
}
