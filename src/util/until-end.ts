/**
 * What is asked of something that may end before it answers. Unlike `Promise.race` with its end, nothing is kept of
 * what was answered: a promise that lasts holds on to all that ever raced with it.
 */
export class UntilEnd {
  readonly #waiting = new Set<(reason: unknown) => void>();
  #end: { readonly reason: unknown } | undefined;

  /** @param ended rejects with what to tell those who wait. */
  constructor(ended: Promise<never>) {
    ended.catch((reason: unknown) => {
      this.#end = { reason };
      for (const reject of this.#waiting) reject(reason);
    });
  }

  /** The answer, or a rejection at the end. */
  answer<T>(asked: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      asked.then(resolve, reject).finally(() => this.#waiting.delete(reject));
      if (this.#end) reject(this.#end.reason);
      else this.#waiting.add(reject);
    });
  }
}

/** What comes of `work` within so many milliseconds, or undefined. */
export const resultWithin = <T>(milliseconds: number, work: Promise<T>): Promise<T | undefined> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), milliseconds);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
