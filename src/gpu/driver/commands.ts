import type { Kernel } from '../kernel.ts';
import type { Profiler } from '../profiler.ts';
import { type GpuTensor, OFFSET_ALIGNMENT } from '../tensor.ts';
import { StagingPool } from '../transfer/staging.ts';
import { UploadPool } from '../transfer/uploads.ts';
import type { DriverMemory } from './driver-memory.ts';
import type { PipelineCache } from './pipelines.ts';
import { UNIFORM_SLOTS, Uniforms } from './uniforms.ts';

/** Of the first submission after the host has waited, and the GPU may: it should not wait for many to be recorded. */
const FIRST_BURST = 16;

/** Tensors and scalars of a kernel, by name. */
export type Arguments = Readonly<Record<string, number | GpuTensor>>;

/** A copy on its way to the host. */
export interface Readback {
  readonly staging: GPUBuffer;
  /** Resolves when the bytes can be taken. */
  readonly mapped: Promise<void>;
}

/** Records commands at once and submits them in bursts. The buffers of their tensors are there. */
export class Commands {
  /** Times what runs, while set. */
  profiler: Profiler | undefined;
  readonly #device: GPUDevice;
  readonly #pipelines: PipelineCache;
  readonly #staging: StagingPool;
  readonly #uploads: UploadPool;
  readonly #uniforms: Uniforms;
  /** Dispatches of the next submission. */
  #burst = FIRST_BURST;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;

  constructor(device: GPUDevice, pipelines: PipelineCache, driver: DriverMemory, budget: number) {
    this.#device = device;
    this.#pipelines = pipelines;
    this.#staging = new StagingPool(driver);
    this.#uploads = new UploadPool(driver, budget);
    this.#uniforms = new Uniforms(device, driver);
  }

  dispatch(kernel: Kernel, groups: readonly [number, number, number], args: Arguments): void {
    const { pipeline, layout } = this.#pipelines.get(kernel);
    if (this.#uniforms.slots >= this.#burst) {
      this.submit();
      this.#burst = Math.min(2 * this.#burst, UNIFORM_SLOTS);
    }
    const names = Object.keys({ ...kernel.inputs, ...kernel.outputs });
    const entries = names.map((name, i) => {
      const { block, offset, size } = args[name] as GpuTensor;
      return { binding: i + 1, resource: { buffer: block.buffer, offset, size } };
    });
    const slot = this.#uniforms.put(kernel, args as Readonly<Record<string, number>>);
    const pass = this.#computePass(kernel);
    const uniform = { buffer: this.#uniforms.buffer, size: OFFSET_ALIGNMENT };
    const bindGroup = this.#device.createBindGroup({
      label: kernel.name,
      layout,
      entries: [{ binding: 0, resource: uniform }, ...entries],
    });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup, [slot]);
    pass.dispatchWorkgroups(...groups);
    this.profiler?.count(kernel, args);
  }

  copy(source: GpuTensor, from: number, target: GpuTensor, to: number, bytes: number): void {
    const [start, end] = [source.offset + from, target.offset + to];
    this.#commands().copyBufferToBuffer(source.block.buffer, start, target.block.buffer, end, bytes);
  }

  zero({ block, offset, size }: GpuTensor): void {
    this.#commands().clearBuffer(block.buffer, offset, size);
  }

  /** Uploads a piece of data to byte `start` of a tensor. */
  write({ block, offset }: GpuTensor, start: number, data: Uint8Array): void {
    this.submit();
    const staged = this.#uploads.take(data);
    const target = offset + start;
    if (staged) this.#commands().copyBufferToBuffer(staged, 0, block.buffer, target, data.byteLength);
    else this.#device.queue.writeBuffer(block.buffer, target, data as Uint8Array<ArrayBuffer>);
    this.submit();
  }

  /** Resolves when a large {@link write} has memory that stays mapped, which is quicker than without. */
  uploadsReady(): Promise<void> {
    return this.#uploads.ready();
  }

  /** Starts to read a tensor. */
  readback({ block, offset, size }: GpuTensor): Readback {
    const source = block.buffer;
    const staging = this.#staging.take(size);
    this.#commands().copyBufferToBuffer(source, offset, staging, 0, size);
    this.submit();
    return { staging, mapped: staging.mapAsync(GPUMapMode.READ, 0, size) };
  }

  /** Takes back the buffer of a readback whose bytes were taken. */
  giveBack(staging: GPUBuffer): void {
    this.#staging.give(staging);
  }

  /** Submits what was recorded. */
  submit(): void {
    if (!this.#encoder) return;
    this.#endPass();
    const submitted = this.profiler?.resolve(this.#encoder);
    const commands = this.#encoder.finish();
    this.#uniforms.write();
    this.#device.queue.submit([commands]);
    submitted?.();
    this.#uploads.submitted();
    this.#encoder = undefined;
  }

  /** The host has waited. */
  startOver(): void {
    this.#burst = FIRST_BURST;
  }

  /** Gives the buffers for what is on its way back to the driver, where nothing is. */
  trim(): void {
    this.#staging.trim();
    this.#uploads.trim();
  }

  destroy(): void {
    this.#staging.trim();
    this.#uploads.destroy();
    this.#uniforms.destroy();
  }

  #commands(): GPUCommandEncoder {
    this.#endPass();
    this.#encoder ??= this.#device.createCommandEncoder();
    return this.#encoder;
  }

  #computePass(kernel: Kernel): GPUComputePassEncoder {
    if (this.profiler?.isOther(kernel)) this.#endPass();
    this.#encoder ??= this.#device.createCommandEncoder();
    this.#pass ??= this.#encoder.beginComputePass(this.profiler?.begin(kernel, UNIFORM_SLOTS));
    return this.#pass;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }
}
