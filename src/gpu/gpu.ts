import { assert, InternalError, OutOfMemoryError } from '../util/errors.ts';
import { mayBeGivenUp } from '../util/given-up.ts';
import { inMainMemory } from '../util/main-memory.ts';
import { foldWorkgroups, type Kernel } from './kernel.ts';
import { PANEL_BYTES } from './matrix/panels.ts';
import { GpuMemory } from './memory.ts';
import { PipelineCache } from './pipelines.ts';
import type { Profiler } from './profiler.ts';
import { type GpuTensor, OFFSET_ALIGNMENT } from './tensor.ts';
import { lost, readFailure } from './transfer/failures.ts';
import { StagingPool } from './transfer/staging.ts';
import { UploadPool } from './transfer/uploads.ts';
import { UNIFORM_SLOTS, Uniforms } from './uniforms.ts';

/** Scalars and tensors of a kernel, by name; a wrong or missing name is a type error. */
export type KernelArguments<S extends string, I extends string, O extends string> = Readonly<
  Record<S, number> & Record<I | O, GpuTensor>
>;

type Suits = (scalars: Readonly<Record<string, number>>) => boolean;

/** Of the first submission after the host has waited, and the GPU may: it should not wait for many to be recorded. */
const FIRST_BURST = 16;
/** Written at a time. */
const WRITE_BYTES = 16 * 2 ** 20;

/** One device: dispatches kernels, moves bytes, owns the memory budget. Everything runs in call order. */
export class Gpu {
  readonly device: GPUDevice;
  readonly memory: GpuMemory;
  /** See `openGpu`. */
  readonly hasMatrixUnits: boolean;
  /** Floating-point operations that one dispatch should have at most. */
  dispatchFlops = Number.POSITIVE_INFINITY;
  /** Bytes of a panel of a triangle at most: the same for all that share a job. */
  panelBytes = PANEL_BYTES;
  /** Times what runs, while set. */
  profiler: Profiler | undefined;
  readonly #pipelines: PipelineCache;
  readonly #staging: StagingPool;
  readonly #uploads: UploadPool;
  readonly #uniforms: Uniforms;
  readonly #preferred = new Map<Kernel, { variant: Kernel; suits: Suits }[]>();
  /** Dispatches of the next submission. */
  #burst = FIRST_BURST;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  /** Of the device or of WGSL: nothing works any more. */
  #failure: Error | undefined;
  /** Of a command; told once, as nothing may be wrong with the next ones. */
  #refusal: Error | undefined;
  /** Of memory, until all that was asked for is done without. */
  #shortage: OutOfMemoryError | undefined;

  /** `budget`: bytes of GPU memory that buffers may take together. */
  constructor(device: GPUDevice, budget: number, hasMatrixUnits = false) {
    this.device = device;
    this.hasMatrixUnits = hasMatrixUnits;
    this.memory = new GpuMemory(device, budget, () => this.flush());
    this.#staging = new StagingPool(this.memory);
    this.#uploads = new UploadPool(this.memory);
    this.#uniforms = new Uniforms(device, this.memory);
    this.#pipelines = new PipelineCache(device, (error) => {
      this.#failure ??= error; // tells more than the refused commands that come of it
    });
    device.addEventListener('uncapturederror', (event) => {
      event.preventDefault(); // the console need not show what is thrown
      const { message } = event.error;
      if (event.error instanceof GPUOutOfMemoryError)
        this.memory.fail(`The GPU has no memory left: ${message}`);
      else this.#refusal ??= new InternalError(`WebGPU refused a command: ${message}`);
    });
    void device.lost.then((info) => {
      this.#failure = lost(info.message || info.reason);
    });
  }

  /** Uninitialized f32/u32 tensor (4 bytes an element). Free it with {@link free}, or take it from a scope. */
  alloc(shape: readonly number[], label: string): GpuTensor {
    const size = shape.reduce((a, b) => a * b, 4) || 4;
    return { buffer: this.memory.acquire(size, label), offset: 0, size, shape };
  }

  free(tensor: GpuTensor): void {
    this.memory.release(tensor.buffer);
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
    const { pipeline, layout } = this.#pipelines.get(kernel);
    if (this.#uniforms.slots >= this.#burst) {
      this.flush();
      this.#burst = Math.min(2 * this.#burst, UNIFORM_SLOTS);
    }
    const offset = this.#uniforms.put(kernel, args);
    const pass = this.#computePass(kernel);
    const names = Object.keys({ ...kernel.inputs, ...kernel.outputs }) as (I | O)[];
    const entries = names.map((name, i) => {
      const { buffer, offset, size }: GpuTensor = args[name];
      return { binding: i + 1, resource: { buffer, offset, size } };
    });
    const uniform = { buffer: this.#uniforms.buffer, size: OFFSET_ALIGNMENT };
    const bindGroup = this.device.createBindGroup({
      label: kernel.name,
      layout,
      entries: [{ binding: 0, resource: uniform }, ...entries],
    });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup, [offset]);
    pass.dispatchWorkgroups(...groups);
    this.profiler?.count(kernel, args);
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
    const [start, end] = [source.offset + from, target.offset + to];
    this.#commands().copyBufferToBuffer(source.buffer, start, target.buffer, end, bytes);
  }

  zero(tensor: GpuTensor): void {
    this.#commands().clearBuffer(tensor.buffer, tensor.offset, tensor.size);
  }

  /** Uploads `data` (bytes: a multiple of 4) to the start of `tensor`, after everything recorded so far. */
  write(tensor: GpuTensor, data: ArrayBufferView): void {
    this.writeAt(tensor, 0, data);
  }

  /** As {@link write}, from byte `start` of the tensor on (a multiple of 4). */
  writeAt(tensor: GpuTensor, start: number, data: ArrayBufferView): void {
    const { buffer, byteOffset, byteLength } = data;
    assert(start + byteLength <= tensor.size, `write of ${byteLength} bytes at ${start} into ${tensor.size}`);
    this.flush();
    for (let at = 0; at < byteLength; at += WRITE_BYTES) {
      const length = Math.min(WRITE_BYTES, byteLength - at);
      const chunk = new Uint8Array(buffer as ArrayBuffer, byteOffset + at, length);
      const target = tensor.offset + start + at;
      const staged = this.#uploads.take(chunk);
      if (staged) this.#commands().copyBufferToBuffer(staged, 0, tensor.buffer, target, length);
      else this.device.queue.writeBuffer(tensor.buffer, target, chunk);
      this.flush();
    }
  }

  /** Resolves when there is memory for a large {@link write}, which is quicker than without. */
  uploadsReady(): Promise<void> {
    return this.#uploads.ready();
  }

  /** The bytes of `tensor`, once everything recorded so far has run. */
  read(tensor: GpuTensor): Promise<ArrayBuffer> {
    const { label } = tensor.buffer;
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
    const [staging, before] = [this.#staging.take(tensor.size), this.#shortage];
    try {
      this.#commands().copyBufferToBuffer(tensor.buffer, tensor.offset, staging, 0, tensor.size);
      this.flush();
      await staging.mapAsync(GPUMapMode.READ, 0, tensor.size).catch(async (error: unknown) => {
        await this.sync();
        throw readFailure(tensor, error);
      });
      await this.#throwIfFailed(before);
      const taken = take(staging.getMappedRange(0, tensor.size));
      this.#staging.give(staging);
      return taken;
    } catch (error) {
      staging.destroy();
      throw error;
    } finally {
      this.#burst = FIRST_BURST;
    }
  }

  /** Submits what was recorded. */
  flush(): void {
    if (!this.#encoder) return;
    this.#endPass();
    const submitted = this.profiler?.resolve(this.#encoder);
    const commands = this.#encoder.finish();
    this.#uniforms.write();
    this.device.queue.submit([commands]);
    submitted?.();
    this.#uploads.submitted();
    this.#encoder = undefined;
  }

  /** Submits, waits until the GPU has done everything, and throws what went wrong meanwhile. */
  async sync(): Promise<void> {
    const before = this.#shortage;
    this.flush();
    await this.device.queue.onSubmittedWorkDone().catch(() => {});
    this.#burst = FIRST_BURST;
    await this.#throwIfFailed(before);
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
    this.#staging.trim();
    this.#uploads.trim();
  }

  destroy(): void {
    this.memory.trim();
    this.#staging.trim();
    this.#uploads.destroy();
    this.#uniforms.destroy();
    this.device.destroy();
  }

  /** @param before what memory was short when that was asked for which is done now. */
  async #throwIfFailed(before: OutOfMemoryError | undefined): Promise<void> {
    await Promise.all([this.#pipelines.checked(), this.memory.checked()]);
    // Where memory is missing, commands on the buffer are refused too, now or a little later.
    const shortage = this.memory.takeFailure() ?? (this.#refusal && this.#shortage);
    const failure = shortage ?? this.#failure ?? this.#refusal;
    if (shortage) this.#shortage = shortage;
    else if (this.#shortage === before) this.#shortage = undefined;
    this.#refusal = undefined;
    if (failure) throw failure;
  }

  #commands(): GPUCommandEncoder {
    this.#endPass();
    this.#encoder ??= this.device.createCommandEncoder();
    return this.#encoder;
  }

  #computePass(kernel: Kernel): GPUComputePassEncoder {
    if (this.profiler?.isOther(kernel)) this.#endPass();
    this.#encoder ??= this.device.createCommandEncoder();
    this.#pass ??= this.#encoder.beginComputePass(this.profiler?.begin(kernel, UNIFORM_SLOTS));
    return this.#pass;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }
}
