import { OutOfMemoryError } from '../../util/errors.ts';
import type { DriverMemory } from '../driver/driver-memory.ts';

/** Smaller writes go through the queue's own staging memory, which is quick enough for them. */
const LEAST_BYTES = 2 ** 20;
/** What is uploaded at a time, at most. */
export const UPLOAD_BYTES = 16 * 2 ** 20;
/**
 * As much stays mapped, at most: what two batches of states take on their way. Drivers put it on the GPU, so with a small
 * budget it is only this share of it.
 */
const MOST_PIECES = 16;
const MOST_SHARE = 1 / 32;
const LEAST_PIECES = 2;

/**
 * Buffers to write through, which stay mapped: `queue.writeBuffer` has to get new memory for each large write, and
 * the driver to pin it (2.6 against 9 GB/s on an H200 under Vulkan).
 */
export class UploadPool {
  readonly #driver: Pick<DriverMemory, 'createBeside'>;
  /** Mapped, the smallest first. */
  readonly #free: GPUBuffer[] = [];
  /** Read by commands that are recorded, but not submitted. */
  #recorded: GPUBuffer[] = [];
  /** Buffers that commands under way read. */
  #away = 0;
  readonly #waiting: (() => void)[] = [];
  #bytes = 0;
  #most: number;

  /** @param budget of GPU memory. */
  constructor(driver: Pick<DriverMemory, 'createBeside'>, budget: number) {
    this.#driver = driver;
    const pieces = Math.floor((budget * MOST_SHARE) / UPLOAD_BYTES);
    this.#most = UPLOAD_BYTES * Math.min(MOST_PIECES, Math.max(LEAST_PIECES, pieces));
  }

  /** A buffer that starts with `data`, to be copied by the next submission; undefined where the queue should write. */
  take(data: Uint8Array): GPUBuffer | undefined {
    if (data.byteLength < LEAST_BYTES) return undefined;
    const buffer = this.#mapped(data.byteLength);
    if (!buffer) return undefined;
    new Uint8Array(buffer.getMappedRange(0, data.byteLength)).set(data);
    buffer.unmap();
    this.#recorded.push(buffer);
    return buffer;
  }

  /** Resolves when {@link take} has a buffer again, should all be on their way. */
  async ready(): Promise<void> {
    if (this.#free.length > 0 || this.#bytes < this.#most || this.#away === 0) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Takes back the buffers that the commands submitted now have read. */
  submitted(): void {
    for (const buffer of this.#recorded) {
      this.#away++;
      const mapped = buffer.mapAsync(GPUMapMode.WRITE).then(
        () => this.#keep(buffer),
        () => this.#drop(buffer), // it was refused, or the device is lost: both are told elsewhere
      );
      void mapped.then(() => this.#back());
    }
    this.#recorded = [];
  }

  /** Gives up what nothing is on its way in. */
  trim(): void {
    for (const buffer of this.#free.splice(0)) this.#drop(buffer);
  }

  destroy(): void {
    this.trim();
    for (const buffer of this.#recorded.splice(0)) this.#drop(buffer);
  }

  #drop(buffer: GPUBuffer): void {
    this.#bytes -= buffer.size;
    buffer.destroy();
  }

  #keep(buffer: GPUBuffer): void {
    const larger = this.#free.findIndex(({ size }) => size >= buffer.size);
    this.#free.splice(larger < 0 ? this.#free.length : larger, 0, buffer);
  }

  #back(): void {
    this.#away--;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #mapped(bytes: number): GPUBuffer | undefined {
    const found = this.#free.findIndex(({ size }) => size >= bytes);
    if (found >= 0) return this.#free.splice(found, 1)[0];
    const size = 2 ** Math.ceil(Math.log2(bytes));
    if (this.#bytes + size > this.#most) return undefined;
    const usage = GPUBufferUsage.MAP_WRITE | GPUBufferUsage.COPY_SRC;
    try {
      const buffer = this.#driver.createBeside({ size, usage, mappedAtCreation: true, label: 'upload' });
      this.#bytes += size;
      return buffer;
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
      this.#most = this.#bytes; // there is no memory for more
      return undefined;
    }
  }
}
