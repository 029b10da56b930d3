import { plainText } from '../../util/text/plain-text.ts';

/** Something that is being fetched from the workers. */
export type Loadable<T> =
  | { readonly state: 'idle' }
  | { readonly state: 'loading'; readonly before?: T }
  | { readonly state: 'ready'; readonly value: T }
  | { readonly state: 'failed'; readonly failure: Failure };

/** What went wrong, in the words of the error: they say what to do. */
export interface Failure {
  readonly name: string;
  readonly message: string;
}

/** The value, or the one before while a new one is on its way. */
export function latestValue<T>(loadable: Loadable<T>): T | undefined {
  if (loadable.state === 'ready') return loadable.value;
  return loadable.state === 'loading' ? loadable.before : undefined;
}

export const failureOf = (error: unknown): Failure =>
  error instanceof Error
    ? { name: error.name, message: plainText(error.message) }
    : { name: 'Error', message: plainText(String(error)) };

/**
 * Runs one call at a time. Calls that come while one runs replace each other, and the last of them runs next, so a
 * slider never queues up work.
 */
export function latestOnly<A>(run: (argument: A) => Promise<void>): (argument: A) => Promise<void> {
  let waiting: { argument: A } | undefined;
  let running: Promise<void> | undefined;
  const drain = async (): Promise<void> => {
    try {
      while (waiting) {
        const { argument } = waiting;
        waiting = undefined;
        await run(argument);
      }
    } finally {
      running = undefined;
    }
  };
  return (argument) => {
    waiting = { argument };
    running ??= drain();
    return running;
  };
}
