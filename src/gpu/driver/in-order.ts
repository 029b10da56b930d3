/** Whether the driver has memory, and how to get more. */
export interface Room {
  has(bytes: number): boolean;
  /** Resolves when there is as much as can be had: then `has` is true. */
  wait(): Promise<void>;
}

interface Action {
  readonly run: () => void;
  /** New memory that it takes. */
  readonly bytes: number;
}

/** Does what it is given in order: at once, or, from the first on that has to wait for memory, as soon as that is there. */
export class InOrder {
  readonly #room: Room;
  readonly #onError: (error: unknown) => void;
  readonly #pending: Action[] = [];
  #doing: Promise<void> | undefined;

  /** @param onError told of what is thrown later, by what has waited. */
  constructor(room: Room, onError: (error: unknown) => void) {
    this.#room = room;
    this.#onError = onError;
  }

  /** Whether what is given now is done later. */
  get isWaiting(): boolean {
    return this.#doing !== undefined;
  }

  /** @param bytes of new memory that it takes. Throws what `run` throws, where that is done at once. */
  do(run: () => void, bytes = 0): void {
    if (!this.#doing && this.#hasRoom(bytes)) {
      run();
      return;
    }
    this.#pending.push({ run, bytes });
    this.#doing ??= this.#doPending();
  }

  /** As {@link do}, with what comes of it. */
  result<T>(run: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.do(() => {
        try {
          resolve(run());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** Resolves when nothing waits any more. */
  async settled(): Promise<void> {
    while (this.#doing) await this.#doing;
  }

  #hasRoom(bytes: number): boolean {
    return bytes === 0 || this.#room.has(bytes);
  }

  async #doPending(): Promise<void> {
    for (let next = this.#pending[0]; next; next = this.#pending[0]) {
      if (!this.#hasRoom(next.bytes)) await this.#room.wait();
      try {
        next.run();
      } catch (error) {
        this.#onError(error);
      }
      this.#pending.shift();
    }
    this.#doing = undefined;
  }
}
