import { OutOfMemoryError } from '../util/errors.ts';
import { Block } from './driver/block.ts';
import type { DriverMemory } from './driver/driver-memory.ts';
import type { InOrder } from './driver/in-order.ts';

/** Sizes are rounded up so that freed blocks fit the next request of about the same size. */
const GRANULE = 4096;

/** What a request for so many bytes takes. */
export const bufferBytes = (bytes: number): number => Math.max(GRANULE, Math.ceil(bytes / GRANULE) * GRANULE);

/** Bytes of the largest buffer that shaders can use within these limits. */
export const largestBufferOf = ({ maxBufferSize, maxStorageBufferBindingSize }: GPUSupportedLimits): number =>
  Math.min(maxBufferSize, maxStorageBufferBindingSize);

/** Share of what the driver could not hold that it is trusted to hold: so a budget that was too large shrinks. */
const RETREAT = 0.9;

/**
 * Hands out blocks within a budget and reuses freed ones of the same size (a new buffer costs a clear and, in drivers,
 * much more). WebGPU cannot say how much memory is free: the budget is the user's or a guess, and real out-of-memory
 * errors arrive late, through the driver's `takeFailure`. The driver makes and destroys buffers in order with all other commands.
 */
export class GpuMemory {
  readonly #given: number;
  #budget: number;
  #mostTrusted: number;
  readonly #driver: DriverMemory;
  readonly #order: InOrder;
  readonly #submit: () => void;
  /** By size, in the order in which each was last freed; no list is empty. */
  readonly #free = new Map<number, Block[]>();
  /** Handed out since {@link allOrNone} began, while it runs. */
  #together: Block[] | undefined;
  #pooled = 0;
  #used = 0;

  /** `submit` submits recorded commands, so that no pooled buffer is destroyed under them. */
  constructor(driver: DriverMemory, order: InOrder, budget: number, submit: () => void) {
    this.#driver = driver;
    this.#order = order;
    this.#submit = submit;
    this.#given = budget;
    this.#budget = budget;
    this.#mostTrusted = budget;
  }

  /** Bytes that blocks may take together: what was given, or what the driver turned out to have. */
  get budget(): number {
    return this.#budget;
  }

  /** What the driver is trusted to hold, after all that it has refused; a restored budget may be more. */
  get mostTrusted(): number {
    return this.#mostTrusted;
  }

  /** Bytes in blocks that are handed out. */
  get used(): number {
    return this.#used;
  }

  /** Most bytes that the driver has held so far, freed blocks and what was on its way back included. */
  get peak(): number {
    return this.#driver.peak;
  }

  /** Bytes that can still be handed out. */
  get available(): number {
    return this.budget - this.#used;
  }

  /** Bytes of the largest buffer that the device can bind, whatever memory is free. */
  get largestBuffer(): number {
    return largestBufferOf(this.#driver.limits);
  }

  /** How often the driver has refused memory. What the GPU was to do meanwhile may not be done, whoever asked for it. */
  get failures(): number {
    return this.#driver.failures;
  }

  /**
   * A block of at least `bytes`; throws OutOfMemoryError when the budget or the device's limit is passed, or the
   * driver refuses at once.
   */
  acquire(bytes: number, label: string): Block {
    const block = this.#acquire(bufferBytes(bytes), label);
    this.#together?.push(block);
    return block;
  }

  /** Releases what `work` has acquired, should it throw. */
  allOrNone<T>(work: () => T): T {
    const acquired: Block[] = [];
    this.#together = acquired;
    try {
      return work();
    } catch (error) {
      for (const block of acquired) this.release(block);
      throw error;
    } finally {
      this.#together = undefined;
    }
  }

  #acquire(size: number, label: string): Block {
    const reused = this.#takeFree(size);
    if (reused) {
      reused.label = label;
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
    const block = new Block(size, label);
    this.#order.do(() => this.#make(block), size);
    this.#used += size;
    return block;
  }

  release(block: Block): void {
    this.#used -= block.size;
    if (this.#isUseless(block)) {
      this.#destroy(block);
      return;
    }
    this.#pooled += block.size;
    const list = this.#free.get(block.size) ?? [];
    list.push(block);
    this.#free.delete(block.size);
    this.#free.set(block.size, list);
  }

  /** Makes the budget what was given again: what the driver had no memory for it may have now. */
  restoreBudget(): void {
    this.#budget = this.#given;
  }

  /** Gives the pooled buffers back to the driver. */
  trim(): void {
    this.#trimTo(0);
  }

  /** A freed block of this size; those that the driver has refused meanwhile are given up. */
  #takeFree(size: number): Block | undefined {
    for (let block = this.#takeAny(size); block; block = this.#takeAny(size)) {
      if (!this.#isUseless(block)) return block;
      this.#destroy(block);
    }
    return undefined;
  }

  #takeAny(size: number): Block | undefined {
    const list = this.#free.get(size);
    const block = list?.pop();
    if (list?.length === 0) this.#free.delete(size);
    if (block) this.#pooled -= size;
    return block;
  }

  /** Whether the driver had no memory for it, as far as that is known. */
  #isUseless(block: Block): boolean {
    return block.isThere ? this.#driver.isRefused(block.buffer) : !this.#order.isWaiting;
  }

  /** Keeps at most `bytes` of freed buffers: of the sizes that were freed last. */
  #trimTo(bytes: number): void {
    while (this.#pooled > bytes) {
      const [size] = this.#free.keys();
      this.#destroy(this.#takeAny(size!)!);
    }
  }

  #destroy(block: Block): void {
    this.#order.do(() => {
      if (!block.isThere) return;
      this.#submit();
      this.#driver.destroyCounted(block.buffer);
    });
  }

  #make(block: Block): void {
    const { size, label } = block;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    block.buffer = this.#driver.createCounted({ size, usage, label }, (held) => {
      this.#budget = Math.min(this.#budget, Math.floor(held * RETREAT));
      this.#mostTrusted = Math.min(this.#mostTrusted, this.#budget);
    });
  }
}
