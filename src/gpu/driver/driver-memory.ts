import { OutOfMemoryError } from '../../util/errors.ts';

/**
 * A destroyed buffer's memory is back when the submission after it is done and the driver has looked for that: Dawn looks
 * at a submission, so that takes two (an empty one will do).
 */
const SUBMISSIONS_UNTIL_BACK = 2;

/**
 * The buffers of a device. What is destroyed counts until the driver has its memory again: Dawn keeps it until the GPU is
 * done with all that was submitted before, so a program that does not wait holds up to twice what it has asked for.
 */
export class DriverMemory {
  readonly #device: GPUDevice;
  readonly #refused = new WeakSet<GPUBuffer>();
  /** What the driver has not answered yet. */
  readonly #asked = new Set<Promise<void>>();
  #held = 0;
  #leaving = 0;
  #returning: Promise<void> | undefined;
  #peak = 0;
  #failures = 0;
  #failure: OutOfMemoryError | undefined;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  get limits(): GPUSupportedLimits {
    return this.#device.limits;
  }

  /** Bytes of counted buffers, with what is on its way back. */
  get held(): number {
    return this.#held;
  }

  /** Of these, what is on its way back. */
  get leaving(): number {
    return this.#leaving;
  }

  /** The most that was held. */
  get peak(): number {
    return this.#peak;
  }

  /** How often memory was refused. What the GPU was to do meanwhile may not be done, whoever asked for it. */
  get failures(): number {
    return this.#failures;
  }

  /**
   * A new buffer that counts. Throws OutOfMemoryError when it is refused at once.
   * @param onRefused called with the bytes that would have been held, when there is no memory for it, at once or later.
   */
  createCounted(descriptor: GPUBufferDescriptor, onRefused: (held: number) => void): GPUBuffer {
    const held = this.#held + descriptor.size;
    const buffer = this.#create(descriptor, () => onRefused(held));
    this.#held = held;
    this.#peak = Math.max(this.#peak, held);
    return buffer;
  }

  /**
   * A new buffer that does not count, for what is on its way from or to the GPU. Throws OutOfMemoryError when it is
   * refused at once; later that is told as of any other.
   */
  createBeside(descriptor: GPUBufferDescriptor): GPUBuffer {
    return this.#create(descriptor, () => {});
  }

  destroyCounted(buffer: GPUBuffer): void {
    this.#leaving += buffer.size;
    buffer.destroy();
  }

  /** Resolves when what was destroyed is back. Everything that uses it has to be submitted. */
  async back(): Promise<void> {
    while (this.#returning) await this.#returning;
    if (this.#leaving === 0) return;
    this.#returning = this.#takeBack(this.#leaving);
    await this.#returning;
    this.#returning = undefined;
  }

  /** Whether there turned out to be no memory for it: it is of no use. */
  isRefused(buffer: GPUBuffer): boolean {
    return this.#refused.has(buffer);
  }

  /** Resolves when the driver has answered for every buffer so far. */
  async checked(): Promise<void> {
    await Promise.all(this.#asked);
  }

  /** Notes that there was no memory for something. */
  fail(message: string): void {
    this.#failures++;
    this.#failure ??= new OutOfMemoryError(message);
  }

  /** What was refused first since the last call, if anything. */
  takeFailure(): OutOfMemoryError | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }

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

  async #takeBack(bytes: number): Promise<void> {
    for (let i = 0; i < SUBMISSIONS_UNTIL_BACK; i++) {
      this.#device.queue.submit([]);
      await this.#device.queue.onSubmittedWorkDone().catch(() => {}); // the device is lost: told elsewhere
    }
    this.#leaving -= bytes;
    this.#held -= bytes;
  }
}

const refusal = ({ label, size }: GPUBufferDescriptor, { message }: { readonly message: string }): string =>
  `The GPU has no memory left for ${label} (${size} bytes): ${message}`;
