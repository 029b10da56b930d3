import { OutOfMemoryError } from '../../util/errors.ts';

/** Memory on the GPU that tensors lie in. What is recorded may name it before the driver has made its buffer. */
export class Block {
  readonly size: number;
  #label: string;
  #buffer: GPUBuffer | undefined;

  constructor(size: number, label: string) {
    this.size = size;
    this.#label = label;
  }

  /** What it is for, in messages. */
  get label(): string {
    return this.#label;
  }

  set label(label: string) {
    this.#label = label;
    if (this.#buffer) this.#buffer.label = label;
  }

  /** Whether its buffer was made. */
  get isThere(): boolean {
    return this.#buffer !== undefined;
  }

  /** Throws OutOfMemoryError when there was no memory for it. */
  get buffer(): GPUBuffer {
    if (!this.#buffer)
      throw new OutOfMemoryError(`The GPU had no memory for ${this.#label} (${this.size} bytes)`);
    return this.#buffer;
  }

  set buffer(buffer: GPUBuffer) {
    this.#buffer = buffer;
  }
}
