import type { Kernel } from '../kernel.ts';
import { OFFSET_ALIGNMENT } from '../tensor.ts';
import type { DriverMemory } from './driver-memory.ts';

/** Dispatches of one submission at most. */
export const UNIFORM_SLOTS = 256;

/** The scalars of a submission's dispatches, each in an aligned slot of one uniform buffer. */
export class Uniforms {
  readonly #device: GPUDevice;
  readonly #driver: DriverMemory;
  readonly #data = new ArrayBuffer(UNIFORM_SLOTS * OFFSET_ALIGNMENT);
  readonly #view = new DataView(this.#data);
  /** Submitted: writes to a buffer are ordered with submissions, so a used one can serve the next again. */
  readonly #used: GPUBuffer[] = [];
  #buffer: GPUBuffer | undefined;
  #slots = 0;

  constructor(device: GPUDevice, driver: DriverMemory) {
    this.#device = device;
    this.#driver = driver;
  }

  /** Slots that are taken. */
  get slots(): number {
    return this.#slots;
  }

  /** Of the submission under way. Throws OutOfMemoryError. */
  get buffer(): GPUBuffer {
    this.#buffer ??=
      this.#takeUsed() ??
      this.#driver.createBeside({
        size: UNIFORM_SLOTS * OFFSET_ALIGNMENT,
        usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
        label: 'uniforms',
      });
    return this.#buffer;
  }

  /** Takes a slot. @returns its offset in the buffer. */
  put<S extends string>({ scalars }: Kernel<S>, args: Readonly<Record<S, number>>): number {
    const offset = this.#slots++ * OFFSET_ALIGNMENT;
    let at = offset;
    for (const name of Object.keys(scalars) as S[]) {
      const value = args[name];
      if (scalars[name] === 'f32') this.#view.setFloat32(at, value, true);
      else if (scalars[name] === 'i32') this.#view.setInt32(at, value, true);
      else this.#view.setUint32(at, value, true);
      at += 4;
    }
    return offset;
  }

  /** Writes what the commands take that are submitted next, and starts anew. */
  write(): void {
    if (!this.#buffer) return;
    this.#device.queue.writeBuffer(this.#buffer, 0, this.#data, 0, this.#slots * OFFSET_ALIGNMENT);
    this.#used.push(this.#buffer);
    this.#buffer = undefined;
    this.#slots = 0;
  }

  #takeUsed(): GPUBuffer | undefined {
    for (let used = this.#used.pop(); used; used = this.#used.pop()) {
      if (!this.#driver.isRefused(used)) return used;
    }
    return undefined;
  }

  destroy(): void {
    for (const buffer of this.#used) buffer.destroy();
  }
}
