import type { Movable } from '../../../gpu/enough-memory.ts';

/** Room for states on the GPU that are made again whenever they are needed: taken back, they are made in main memory. */
export class StatesRoom implements Movable {
  #isThere = true;

  /** Bytes that they may take there, of those that they might. */
  of<B extends number | undefined>(bytes: B): B | 0 {
    return this.#isThere ? bytes : 0;
  }

  async moveToHost(): Promise<boolean> {
    const wasThere = this.#isThere;
    this.#isThere = false;
    return wasThere;
  }
}
