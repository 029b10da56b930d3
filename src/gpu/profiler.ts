import type { Kernel } from './kernel.ts';

/** Arithmetic operations and bytes of memory that a dispatch needs. */
export interface KernelWork {
  readonly flops?: number;
  readonly bytes?: number;
}

/** What a dispatch with these arguments needs, where that can be told. */
export type CountWork = (kernel: Kernel, args: Readonly<Record<string, unknown>>) => KernelWork;

/** Sums over the dispatches of one kernel in one section. */
export interface KernelTime {
  readonly section: string;
  readonly kernel: string;
  readonly dispatches: number;
  /** On the GPU. */
  readonly seconds: number;
  readonly flops: number;
  readonly bytes: number;
}

/** A run of dispatches of one kernel. */
interface Pass {
  readonly section: string;
  readonly kernel: string;
  dispatches: number;
  flops: number;
  bytes: number;
}

/** What the timestamps of one submission need. */
interface Slot {
  readonly queries: GPUQuerySet;
  readonly resolved: GPUBuffer;
  readonly staging: GPUBuffer;
}

const TIMESTAMP_BYTES = 8;

/**
 * Where the GPU's time goes: each run of dispatches of one kernel is a compute pass of its own between two timestamps.
 * Nothing waits for the timestamps: those of one submission are read while the next ones run.
 */
export class Profiler {
  /** What the dispatches from now on belong to. */
  section = '';
  readonly #device: GPUDevice;
  readonly #count: CountWork;
  readonly #free: Slot[] = [];
  readonly #pending = new Set<Promise<void>>();
  readonly #times = new Map<string, KernelTime>();
  #passes: Pass[] = [];
  #slot: Slot | undefined;

  /** `device` has the feature timestamp-query. */
  constructor(device: GPUDevice, count: CountWork) {
    this.#device = device;
    this.#count = count;
  }

  /** Whether a dispatch of `kernel` needs another pass than the one before. */
  isOther(kernel: Kernel): boolean {
    const pass = this.#passes.at(-1);
    return pass?.kernel !== kernel.name || pass.section !== this.section;
  }

  /** Begins a pass; `most` is the number of passes that a submission may have. */
  begin(kernel: Kernel, most: number): GPUComputePassDescriptor {
    this.#slot ??= this.#free.pop() ?? this.#newSlot(most);
    const beginningOfPassWriteIndex = 2 * this.#passes.length;
    this.#passes.push({ section: this.section, kernel: kernel.name, dispatches: 0, flops: 0, bytes: 0 });
    const { queries: querySet } = this.#slot;
    const endOfPassWriteIndex = beginningOfPassWriteIndex + 1;
    return { timestampWrites: { querySet, beginningOfPassWriteIndex, endOfPassWriteIndex } };
  }

  /** Counts a dispatch in the pass that is open. */
  count(kernel: Kernel, args: Readonly<Record<string, unknown>>): void {
    const pass = this.#passes.at(-1)!;
    const { flops = 0, bytes = 0 } = this.#count(kernel, args);
    pass.dispatches++;
    pass.flops += flops;
    pass.bytes += bytes;
  }

  /** Ends a submission's commands; the result is to be called when they are submitted. */
  resolve(encoder: GPUCommandEncoder): () => void {
    const [slot, passes] = [this.#slot, this.#passes];
    if (!slot) return () => {};
    [this.#slot, this.#passes] = [undefined, []];
    const { queries, resolved, staging } = slot;
    encoder.resolveQuerySet(queries, 0, 2 * passes.length, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, 2 * passes.length * TIMESTAMP_BYTES);
    return () => {
      const reading = this.#read(slot, passes)
        .catch(() => {}) // the device is lost: reported elsewhere
        .finally(() => this.#pending.delete(reading));
      this.#pending.add(reading);
    };
  }

  /** Everything that was submitted so far, the longest first. */
  async times(): Promise<KernelTime[]> {
    await Promise.all(this.#pending);
    return [...this.#times.values()].sort((a, b) => b.seconds - a.seconds);
  }

  #newSlot(passes: number): Slot {
    const count = 2 * passes;
    const size = count * TIMESTAMP_BYTES;
    const buffer = (usage: GPUBufferUsageFlags) =>
      this.#device.createBuffer({ size, usage, label: 'timestamps' });
    return {
      queries: this.#device.createQuerySet({ type: 'timestamp', count }),
      resolved: buffer(GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC),
      staging: buffer(GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST),
    };
  }

  async #read(slot: Slot, passes: readonly Pass[]): Promise<void> {
    await slot.staging.mapAsync(GPUMapMode.READ);
    const times = new BigUint64Array(slot.staging.getMappedRange());
    for (const [i, pass] of passes.entries()) {
      // Some drivers' clocks jump back: such a pass counts as none.
      this.#add(pass, Math.max(0, Number(times[2 * i + 1]! - times[2 * i]!)) / 1e9);
    }
    slot.staging.unmap();
    this.#free.push(slot);
  }

  #add({ section, kernel, dispatches, flops, bytes }: Pass, seconds: number): void {
    const key = `${section}/${kernel}`;
    const before = this.#times.get(key);
    this.#times.set(key, {
      ...{ section, kernel },
      dispatches: dispatches + (before?.dispatches ?? 0),
      seconds: seconds + (before?.seconds ?? 0),
      flops: flops + (before?.flops ?? 0),
      bytes: bytes + (before?.bytes ?? 0),
    });
  }
}
