/** As the browser's: a lock is free when its holder has ended. */
export class FakeLocks {
  readonly #free = new Map<string, () => void>();
  readonly #held = new Map<string, Promise<void>>();

  /** Holds a lock, as a worker in a test does. */
  take(name: string): void {
    this.#held.set(name, new Promise((resolve) => void this.#free.set(name, resolve)));
  }

  /** As when its holder has ended. */
  end(name: string): void {
    this.#free.get(name)!();
  }

  request(name: string, { signal }: { signal: AbortSignal }, work: () => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      void this.#held.get(name)?.then(() => resolve(work()));
    });
  }
}
