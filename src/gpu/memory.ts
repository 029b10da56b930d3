import { OutOfMemoryError } from '../util/errors.ts';

/** Sizes are rounded up so that freed buffers fit the next request of about the same size. */
const GRANULE = 4096;

/** What a request for so many bytes takes. */
export const bufferBytes = (bytes: number): number => Math.max(GRANULE, Math.ceil(bytes / GRANULE) * GRANULE);

/** Bytes of the largest buffer that shaders can use within these limits. */
export const largestBufferOf = ({ maxBufferSize, maxStorageBufferBindingSize }: GPUSupportedLimits): number =>
  Math.min(maxBufferSize, maxStorageBufferBindingSize);

/** Share of what the driver could not hold that it is trusted to hold: so a budget that was too large shrinks. */
const RETREAT = 0.9;

/**
 * Hands out storage buffers within a budget and reuses freed ones of the same size (a new buffer costs a clear
 * and, in drivers, much more). WebGPU cannot say how much memory is free: the budget is the user's or a guess,
 * and real out-of-memory errors arrive late, through `takeFailure`.
 */
export class GpuMemory {
  #budget: number;
  readonly #device: GPUDevice;
  readonly #flush: () => void;
  /** By size, in the order in which each was last freed; no list is empty. */
  readonly #free = new Map<number, GPUBuffer[]>();
  readonly #refused = new WeakSet<GPUBuffer>();
  #pooled = 0;
  #used = 0;
  #peak = 0;
  #failure: OutOfMemoryError | undefined;

  /** `flush` submits recorded commands, so that no pooled buffer is destroyed under them. */
  constructor(device: GPUDevice, budget: number, flush: () => void) {
    this.#device = device;
    this.#flush = flush;
    this.#budget = budget;
  }

  /** Bytes that buffers may take together: what was given, or what the driver turned out to have. */
  get budget(): number {
    return this.#budget;
  }

  /** Bytes in buffers that are handed out. */
  get used(): number {
    return this.#used;
  }

  /** Highest number of bytes held so far, the pool of freed buffers included. */
  get peak(): number {
    return this.#peak;
  }

  /** Bytes that can still be handed out. */
  get available(): number {
    return this.budget - this.#used;
  }

  /** Bytes of the largest buffer that the device can bind, whatever memory is free. */
  get largestBuffer(): number {
    return largestBufferOf(this.#device.limits);
  }

  /** A buffer of at least `bytes`; throws OutOfMemoryError when the budget or the device's limit is passed. */
  acquire(bytes: number, label: string): GPUBuffer {
    const size = bufferBytes(bytes);
    const reused = this.#takeFree(size);
    if (reused) {
      reused.label = label;
      this.#pooled -= size;
      this.#used += size;
      return reused;
    }
    if (size > this.largestBuffer) {
      throw new OutOfMemoryError(
        `${label} needs ${size} bytes in one buffer; this GPU allows ${this.largestBuffer}`,
      );
    }
    if (this.#used + size > this.budget) {
      throw new OutOfMemoryError(
        `${label} needs ${size} bytes; ${this.#used} of the budget of ${this.budget} bytes of GPU memory are in use`,
      );
    }
    this.#trimTo(this.budget - this.#used - size);
    return this.#create(size, label);
  }

  release(buffer: GPUBuffer): void {
    this.#used -= buffer.size;
    if (this.#refused.has(buffer)) return;
    this.#pooled += buffer.size;
    const list = this.#free.get(buffer.size) ?? [];
    list.push(buffer);
    this.#free.delete(buffer.size);
    this.#free.set(buffer.size, list);
  }

  /** Gives the pooled buffers back to the driver. */
  trim(): void {
    this.#trimTo(0);
  }

  /** What the driver refused first since the last call, if anything. */
  takeFailure(): OutOfMemoryError | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }

  #takeFree(size: number): GPUBuffer | undefined {
    const list = this.#free.get(size);
    const buffer = list?.pop();
    if (list?.length === 0) this.#free.delete(size);
    return buffer;
  }

  /** Keeps at most `bytes` of freed buffers: of the sizes that were freed last. */
  #trimTo(bytes: number): void {
    if (this.#pooled <= bytes) return;
    this.#flush();
    while (this.#pooled > bytes) {
      const [size] = this.#free.keys();
      this.#takeFree(size!)!.destroy();
      this.#pooled -= size!;
    }
  }

  #create(size: number, label: string): GPUBuffer {
    this.#device.pushErrorScope('out-of-memory');
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = this.#device.createBuffer({ size, usage, label });
    this.#used += size;
    const held = this.#used + this.#pooled;
    this.#peak = Math.max(this.#peak, held);
    this.#device.popErrorScope().then(
      (error) => {
        if (!error) return;
        this.#budget = Math.min(this.#budget, Math.floor(held * RETREAT));
        this.#refused.add(buffer);
        this.#failure ??= new OutOfMemoryError(
          `The GPU has no memory left for ${label} (${size} bytes): ${error.message}`,
        );
      },
      () => {}, // the device is lost: reported by its `lost` promise
    );
    return buffer;
  }
}
