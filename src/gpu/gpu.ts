import { assert, InternalError, OutOfMemoryError } from '../util/errors.ts';
import { mayBeGivenUp } from '../util/given-up.ts';
import { inMainMemory } from '../util/main-memory.ts';
import { Commands } from './driver/commands.ts';
import { DriverMemory } from './driver/driver-memory.ts';
import { InOrder } from './driver/in-order.ts';
import { PipelineCache } from './driver/pipelines.ts';
import { foldWorkgroups, type Kernel } from './kernel.ts';
import { PANEL_BYTES } from './matrix/panels.ts';
import { GpuMemory } from './memory.ts';
import type { Profiler } from './profiler.ts';
import type { GpuTensor } from './tensor.ts';
import { lost, readFailure } from './transfer/failures.ts';
import { UPLOAD_BYTES } from './transfer/uploads.ts';

/** Scalars and tensors of a kernel, by name; a wrong or missing name is a type error. */
export type KernelArguments<S extends string, I extends string, O extends string> = Readonly<
  Record<S, number> & Record<I | O, GpuTensor>
>;

type Suits = (scalars: Readonly<Record<string, number>>) => boolean;

/** Pieces of `data`, and where in the tensor they go: from its byte `start` on. */
function* piecesOf(tensor: GpuTensor, start: number, { buffer, byteOffset, byteLength }: ArrayBufferView) {
  assert(start + byteLength <= tensor.size, `write of ${byteLength} bytes at ${start} into ${tensor.size}`);
  for (let from = 0; from < byteLength; from += UPLOAD_BYTES) {
    const length = Math.min(UPLOAD_BYTES, byteLength - from);
    yield { at: start + from, piece: new Uint8Array(buffer as ArrayBuffer, byteOffset + from, length) };
  }
}

/** One device: dispatches kernels, moves bytes, owns the memory budget. Everything runs in call order. */
export class Gpu {
  readonly device: GPUDevice;
  readonly driver: DriverMemory;
  readonly memory: GpuMemory;
  /** See `openGpu`. */
  readonly hasMatrixUnits: boolean;
  /** Floating-point operations that one dispatch should have at most. */
  dispatchFlops = Number.POSITIVE_INFINITY;
  /** Bytes of a panel of a triangle at most: the same for all that share a job. */
  panelBytes = PANEL_BYTES;
  readonly #pipelines: PipelineCache;
  readonly #commands: Commands;
  /** What is called is done at once, or, while the driver has no memory for what comes before, later. */
  readonly #order: InOrder;
  readonly #preferred = new Map<Kernel, { variant: Kernel; suits: Suits }[]>();
  /** Of the device or of WGSL: nothing works any more. */
  #failure: Error | undefined;
  /** Of a command; told once, as nothing may be wrong with the next ones. */
  #refusal: Error | undefined;
  /** Of memory, until all that was asked for is done without. */
  #shortage: OutOfMemoryError | undefined;

  /** `budget`: bytes of GPU memory that blocks may take together. */
  constructor(device: GPUDevice, budget: number, hasMatrixUnits = false) {
    this.device = device;
    this.hasMatrixUnits = hasMatrixUnits;
    const driver = new DriverMemory(device);
    this.driver = driver;
    this.#pipelines = new PipelineCache(device, (error) => {
      this.#failure ??= error; // tells more than the refused commands that come of it
    });
    this.#commands = new Commands(device, this.#pipelines, driver, budget);
    const submit = () => this.#commands.submit();
    const has = (bytes: number) => driver.leaving === 0 || driver.held + bytes <= this.memory.budget;
    const wait = () => {
      submit();
      return driver.back();
    };
    this.#order = new InOrder({ has, wait }, (error) => {
      if (error instanceof OutOfMemoryError) driver.fail(error.message);
      else this.#failure ??= error as Error;
    });
    this.memory = new GpuMemory(driver, this.#order, budget, submit);
    device.addEventListener('uncapturederror', (event) => {
      event.preventDefault(); // the console need not show what is thrown
      const { message } = event.error;
      if (event.error instanceof GPUOutOfMemoryError) driver.fail(`The GPU has no memory left: ${message}`);
      else this.#refusal ??= new InternalError(`WebGPU refused a command: ${message}`);
    });
    void device.lost.then((info) => {
      this.#failure = lost(info.message || info.reason);
    });
  }

  /** Times what runs, while set. */
  get profiler(): Profiler | undefined {
    return this.#commands.profiler;
  }

  set profiler(profiler: Profiler | undefined) {
    this.#commands.profiler = profiler;
  }

  /** Uninitialized f32/u32 tensor (4 bytes an element). Free it with {@link free}, or take it from a scope. */
  alloc(shape: readonly number[], label: string): GpuTensor {
    const size = shape.reduce((a, b) => a * b, 4) || 4;
    return { block: this.memory.acquire(size, label), offset: 0, size, shape };
  }

  free(tensor: GpuTensor): void {
    this.memory.release(tensor.block);
  }

  /**
   * From now on runs `variant`, which takes the same arguments and is faster here, where `kernel` is asked for with
   * scalars that suit it. What was preferred last is tried first.
   */
  prefer<S extends string, I extends string, O extends string>(
    kernel: Kernel<S, I, O>,
    variant: Kernel<S, I, O>,
    suits: (scalars: Readonly<Record<S, number>>) => boolean = () => true,
  ): void {
    const others = this.#preferred.get(kernel)?.filter((preferred) => preferred.variant !== variant) ?? [];
    this.#preferred.set(kernel, [{ variant, suits }, ...others]);
  }

  /** Whether `variant` is run for `kernel`, with scalars that suit it. */
  prefers<S extends string, I extends string, O extends string>(
    kernel: Kernel<S, I, O>,
    variant: Kernel<S, I, O>,
  ): boolean {
    return this.#preferred.get(kernel)?.some((preferred) => preferred.variant === variant) ?? false;
  }

  /** Whether the device can build a kernel that takes an experimental feature. */
  accepts(kernel: Kernel): Promise<boolean> {
    return this.#pipelines.accepts(kernel);
  }

  /** Records one dispatch. */
  run<S extends string, I extends string, O extends string>(
    wanted: Kernel<S, I, O>,
    args: KernelArguments<S, I, O>,
  ): void {
    const preferred = this.#preferred.get(wanted)?.find(({ suits }) => suits(args));
    const kernel = (preferred?.variant ?? wanted) as Kernel<S, I, O>;
    const groups = foldWorkgroups(kernel, kernel.workgroups(args));
    if (groups.some((count) => count === 0)) return;
    this.#order.do(() => this.#commands.dispatch(kernel, groups, args));
  }

  /** Copies bytes between tensors of equal size. */
  copy(source: GpuTensor, target: GpuTensor): void {
    assert(source.size === target.size, `copy of ${source.size} bytes into ${target.size}`);
    this.copyPart(source, 0, target, 0, source.size);
  }

  /** Copies `bytes` bytes from byte `from` of `source` to byte `to` of `target` (all multiples of 4). */
  copyPart(source: GpuTensor, from: number, target: GpuTensor, to: number, bytes: number): void {
    assert(from + bytes <= source.size, `copy of ${bytes} bytes at ${from} of ${source.size}`);
    assert(to + bytes <= target.size, `copy of ${bytes} bytes at ${to} into ${target.size}`);
    this.#order.do(() => this.#commands.copy(source, from, target, to, bytes));
  }

  zero(tensor: GpuTensor): void {
    this.#order.do(() => this.#commands.zero(tensor));
  }

  /** Uploads `data` (bytes: a multiple of 4) to the start of `tensor`, after everything recorded so far. */
  write(tensor: GpuTensor, data: ArrayBufferView): void {
    for (const { at, piece } of piecesOf(tensor, 0, data)) {
      // The caller may change what it has written.
      const kept = this.#order.isWaiting ? piece.slice() : piece;
      this.#order.do(() => this.#commands.write(tensor, at, kept));
    }
  }

  /**
   * As {@link write}, from byte `start` of the tensor on (a multiple of 4), for what is large: each piece when there is
   * memory for it on its way. `data` has to stay as it is until this resolves.
   */
  async upload(tensor: GpuTensor, start: number, data: ArrayBufferView): Promise<void> {
    for (const { at, piece } of piecesOf(tensor, start, data)) {
      await this.#commands.uploadsReady();
      await this.#order.result(() => this.#commands.write(tensor, at, piece));
    }
  }

  /** The bytes of `tensor`, once everything recorded so far has run. */
  read(tensor: GpuTensor): Promise<ArrayBuffer> {
    const { label } = tensor.block;
    return mayBeGivenUp(
      this.#readMapped(tensor, (mapped) => inMainMemory(label, mapped.byteLength, () => mapped.slice(0))),
    );
  }

  /** As {@link read}, into `target` of the tensor's size: several times as fast as into new memory. */
  readInto(tensor: GpuTensor, target: Uint8Array): Promise<void> {
    assert(target.byteLength === tensor.size, `read of ${tensor.size} bytes into ${target.byteLength}`);
    return mayBeGivenUp(this.#readMapped(tensor, (mapped) => target.set(new Uint8Array(mapped))));
  }

  async #readMapped<T>(tensor: GpuTensor, take: (mapped: ArrayBuffer) => T): Promise<T> {
    const before = this.#shortage;
    const { staging, mapped } = await this.#order.result(() => this.#commands.readback(tensor));
    try {
      await mapped.catch(async (error: unknown) => {
        await this.sync();
        throw readFailure(tensor, error);
      });
      await this.#throwIfFailed(before);
      const taken = take(staging.getMappedRange(0, tensor.size));
      this.#commands.giveBack(staging);
      return taken;
    } catch (error) {
      staging.destroy();
      throw error;
    } finally {
      this.#commands.startOver();
    }
  }

  /** Submits what was recorded. */
  flush(): void {
    this.#order.do(() => this.#commands.submit());
  }

  /** Submits, waits until the GPU has done everything, and throws what went wrong meanwhile. */
  async sync(): Promise<void> {
    const before = this.#shortage;
    this.flush();
    await this.#order.settled();
    await this.device.queue.onSubmittedWorkDone().catch(() => {});
    this.#commands.startOver();
    await this.#throwIfFailed(before);
  }

  /** Resolves when the driver has answered for every buffer that was asked for so far. */
  async buffersChecked(): Promise<void> {
    await this.#order.settled();
    await this.driver.checked();
  }

  /** When memory has run out: waits until nothing is under way, and gives back to the driver what is not in use. */
  async recover(): Promise<void> {
    for (let isOver = false; !isOver; ) {
      try {
        await this.sync();
        isOver = true;
      } catch (error) {
        if (!(error instanceof OutOfMemoryError)) throw error;
      }
    }
    this.memory.trim();
    this.#commands.trim();
    await this.#order.settled();
    await this.driver.back();
  }

  destroy(): void {
    this.memory.trim();
    this.#commands.destroy();
    this.device.destroy();
  }

  /** @param before what memory was short when that was asked for which is done now. */
  async #throwIfFailed(before: OutOfMemoryError | undefined): Promise<void> {
    await Promise.all([this.#pipelines.checked(), this.driver.checked()]);
    // Where memory is missing, commands on the buffer are refused too, now or a little later.
    const shortage = this.driver.takeFailure() ?? (this.#refusal && this.#shortage);
    const failure = shortage ?? this.#failure ?? this.#refusal;
    if (shortage) this.#shortage = shortage;
    else if (this.#shortage === before) this.#shortage = undefined;
    this.#refusal = undefined;
    if (failure) throw failure;
  }
}
