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
  readonly #given: number;
  #budget: number;
  #mostTrusted: number;
  readonly #device: GPUDevice;
  readonly #flush: () => void;
  /** By size, in the order in which each was last freed; no list is empty. */
  readonly #free = new Map<number, GPUBuffer[]>();
  readonly #refused = new WeakSet<GPUBuffer>();
  /** What the driver has not answered yet. */
  readonly #asked = new Set<Promise<void>>();
  /** Handed out since {@link allOrNone} began, while it runs. */
  #together: GPUBuffer[] | undefined;
  #pooled = 0;
  #used = 0;
  #peak = 0;
  #failures = 0;
  #failure: OutOfMemoryError | undefined;

  /** `flush` submits recorded commands, so that no pooled buffer is destroyed under them. */
  constructor(device: GPUDevice, budget: number, flush: () => void) {
    this.#device = device;
    this.#flush = flush;
    this.#given = budget;
    this.#budget = budget;
    this.#mostTrusted = budget;
  }

  /** Bytes that buffers may take together: what was given, or what the driver turned out to have. */
  get budget(): number {
    return this.#budget;
  }

  /** What the driver is trusted to hold, after all that it has refused; a restored budget may be more. */
  get mostTrusted(): number {
    return this.#mostTrusted;
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

  /** How often the driver has refused memory. What the GPU was to do meanwhile may not be done, whoever asked for it. */
  get failures(): number {
    return this.#failures;
  }

  /**
   * A buffer of at least `bytes`; throws OutOfMemoryError when the budget or the device's limit is passed, or the
   * driver refuses at once.
   */
  acquire(bytes: number, label: string): GPUBuffer {
    const buffer = this.#acquire(bufferBytes(bytes), label);
    this.#together?.push(buffer);
    return buffer;
  }

  /** Releases what `work` has acquired, should it throw. */
  allOrNone<T>(work: () => T): T {
    const acquired: GPUBuffer[] = [];
    this.#together = acquired;
    try {
      return work();
    } catch (error) {
      for (const buffer of acquired) this.release(buffer);
      throw error;
    } finally {
      this.#together = undefined;
    }
  }

  /**
   * A new buffer beside the budget, for what is on its way from or to the GPU. Throws OutOfMemoryError when it is refused
   * at once; later it is told as of any other.
   */
  createBeside(descriptor: GPUBufferDescriptor): GPUBuffer {
    return this.#create(descriptor, () => {});
  }

  /** Whether the driver turned out to have no memory for it: it is of no use. */
  isRefused(buffer: GPUBuffer): boolean {
    return this.#refused.has(buffer);
  }

  #acquire(size: number, label: string): GPUBuffer {
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
    return this.#createWithin(size, label);
  }

  release(buffer: GPUBuffer): void {
    this.#used -= buffer.size;
    if (this.#refused.has(buffer)) {
      buffer.destroy();
      return;
    }
    this.#pooled += buffer.size;
    const list = this.#free.get(buffer.size) ?? [];
    list.push(buffer);
    this.#free.delete(buffer.size);
    this.#free.set(buffer.size, list);
  }

  /** Makes the budget what was given again: what the driver had no memory for it may have now. */
  restoreBudget(): void {
    this.#budget = this.#given;
  }

  /** Gives the pooled buffers back to the driver. */
  trim(): void {
    this.#trimTo(0);
  }

  /** Resolves when the driver has answered for every buffer so far. */
  async checked(): Promise<void> {
    await Promise.all(this.#asked);
  }

  /** Notes that the driver had no memory for something. */
  fail(message: string): void {
    this.#failures++;
    this.#failure ??= new OutOfMemoryError(message);
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

  #createWithin(size: number, label: string): GPUBuffer {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const held = this.#used + this.#pooled + size;
    const cut = () => {
      this.#budget = Math.min(this.#budget, Math.floor(held * RETREAT));
      this.#mostTrusted = Math.min(this.#mostTrusted, this.#budget);
    };
    const buffer = this.#create({ size, usage, label }, cut);
    this.#used += size;
    this.#peak = Math.max(this.#peak, held);
    return buffer;
  }

  /** @param onRefused called when the driver has no memory for it, at once or later. */
  #create(descriptor: GPUBufferDescriptor, onRefused: () => void): GPUBuffer {
    this.#device.pushErrorScope('out-of-memory');
    let buffer: GPUBuffer | undefined;
    try {
      buffer = this.#device.createBuffer(descriptor);
      return buffer;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      onRefused();
      throw new OutOfMemoryError(refusal(descriptor, error));
    } finally {
      const asked = this.#device.popErrorScope().then(
        (error) => {
          if (!error || !buffer) return;
          onRefused();
          this.#refused.add(buffer);
          this.fail(refusal(descriptor, error));
        },
        () => {}, // the device is lost: reported by its `lost` promise
      );
      this.#asked.add(asked);
      void asked.then(() => this.#asked.delete(asked));
    }
  }
}

const refusal = ({ label, size }: GPUBufferDescriptor, { message }: { readonly message: string }): string =>
  `The GPU has no memory left for ${label} (${size} bytes): ${message}`;
