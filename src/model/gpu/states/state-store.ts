import type { ScratchPlace } from '../../../io/bytes.ts';
import { RowFile } from './row-file.ts';

/**
 * Where states go that the GPU has no room for, those of all stages: main memory as far as there is room, then scratch
 * files of the work directory.
 */
export class StateStore {
  /** Bytes that states may take in main memory. */
  readonly room: number;
  readonly #scratch: ScratchPlace | undefined;
  #memoryBytes = 0;
  #diskBytes = 0;

  /** @param scratch where none can be made, states take main memory beyond the room. */
  constructor(room = Number.POSITIVE_INFINITY, scratch?: ScratchPlace) {
    this.room = room;
    this.#scratch = scratch;
  }

  /** Bytes that states take in main memory. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Bytes that they take in files. */
  get diskBytes(): number {
    return this.#diskBytes;
  }

  /** Takes so much of the room, or false: they go to a file. */
  take(bytes: number): boolean {
    if (this.#scratch && this.#memoryBytes + bytes > this.room) return false;
    this.#memoryBytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#memoryBytes -= bytes;
  }

  /** For rows of `length` f32 that have no room. */
  newFile(length: number): RowFile {
    return new RowFile(length, this.#scratch!, (bytes) => {
      this.#diskBytes += bytes;
    });
  }
}
