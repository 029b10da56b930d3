import { type Remote, wrap } from 'comlink';
import { byName } from '../src/util/by-name.ts';
import { resultWithin, UntilEnd } from '../src/util/until-end.ts';
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

/**
 * A worker that has not begun by then is replaced: on a busy machine Firefox now and then never starts a worker that
 * another one asks for. Each next one gets twice the time, as the machine may be slow.
 */
export const START_LIMIT_MS = 20_000;

/** @param what is in the worker, for messages. @param lost what to throw when it ends without a word. */
export function superviseWorker<Api extends LockHolder>(
  start: () => Worker,
  what: string,
  lost: Error,
): SupervisedWorker<Api> {
  const stopping = new AbortController();
  const { signal } = stopping;
  let worker: Worker;
  let end: (reason: unknown) => void = () => {};
  const ended = new Promise<never>((_, reject) => {
    end = reject;
  });
  const begin = async (limit: number): Promise<Remote<LockHolder>> => {
    worker = start();
    workerFailure(worker).catch(({ message }) =>
      end(new Error(`The ${what} worker has stopped: ${message}.`)),
    );
    const api = wrap<LockHolder>(worker);
    const lock = newLock(what);
    const begun = api.begin(lock).then(
      () => true,
      () => false, // its lock is refused, as where settings forbid site data: it works all the same
    );
    const isWatched = await resultWithin(limit, begun);
    if (isWatched === undefined && !signal.aborted) {
      endWorker(worker);
      return begin(2 * limit);
    }
    if (isWatched) {
      void endOfHolder(lock, signal).then(
        () => end(lost),
        () => {}, // it was stopped
      );
    }
    return api;
  };
  const started = begin(START_LIMIT_MS);
  const stop = (reason: unknown = new Error(`The ${what} worker was stopped.`)) => {
    endWorker(worker);
    stopping.abort();
    end(reason);
  };
  const api = byName<Remote<Api>>(async (name, request) => {
    const { [name]: method } = (await started) as unknown as Remote<Api>;
    return Reflect.apply(method as () => unknown, undefined, request);
  });
  return { api, stop, ended, untilEnd: new UntilEnd(ended) };
}
