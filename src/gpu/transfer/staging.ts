import type { DriverMemory } from '../driver/driver-memory.ts';
import { bufferBytes } from '../memory.ts';

/** Bytes that are kept for the next reads; a few rows of states. */
const KEPT_BYTES = 128 * 2 ** 20;

/** Buffers to read from, which are costly to make: what was read is used again for the next of about its size. */
export class StagingPool {
  readonly #driver: DriverMemory;
  readonly #free = new Map<number, GPUBuffer[]>();
  #kept = 0;

  constructor(driver: DriverMemory) {
    this.#driver = driver;
  }

  /** A buffer of at least `bytes`, unmapped. Throws OutOfMemoryError. */
  take(bytes: number): GPUBuffer {
    const size = bufferBytes(bytes);
    const kept = this.#free.get(size)?.pop();
    if (kept) {
      this.#kept -= size;
      return kept;
    }
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    return this.#driver.createBeside({ size, usage, label: 'readback' });
  }

  /** Takes back a buffer that nothing uses any more. */
  give(buffer: GPUBuffer): void {
    if (this.#kept + buffer.size > KEPT_BYTES) {
      buffer.destroy();
      return;
    }
    buffer.unmap();
    this.#kept += buffer.size;
    const list = this.#free.get(buffer.size);
    if (list) list.push(buffer);
    else this.#free.set(buffer.size, [buffer]);
  }

  /** Gives up what it has. */
  trim(): void {
    for (const list of this.#free.values()) for (const buffer of list) buffer.destroy();
    this.#free.clear();
    this.#kept = 0;
  }
}
