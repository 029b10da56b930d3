import type { Gpu } from '../gpu/gpu.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import { type GpuTensor, view } from '../gpu/tensor.ts';

/** Share of the GPU memory budget that resident states may take. */
const RESIDENT_SHARE = 0.35;

/**
 * Hidden states of all calibration rows, (length, hidden) f32 each: on the GPU while they are a small part of its
 * memory budget, in host memory otherwise. Read and written in batches of rows.
 */
export class HiddenStates {
  readonly rows: number;
  readonly length: number;
  readonly hidden: number;
  readonly #gpu: Gpu;
  #resident: GpuTensor | undefined;
  readonly #host: Float32Array<ArrayBuffer>[] = [];

  constructor(gpu: Gpu, rows: number, length: number, hidden: number) {
    this.rows = rows;
    this.length = length;
    this.hidden = hidden;
    this.#gpu = gpu;
    const bytes = rows * length * hidden * 4;
    const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
    const fits =
      bytes <= Math.min(gpu.memory.budget * RESIDENT_SHARE, maxBufferSize, maxStorageBufferBindingSize);
    if (fits) this.#resident = gpu.alloc([rows * length, hidden], 'hidden states');
  }

  /** States of rows [start, end), (tokens, hidden), owned by `scope`. */
  load(scope: Scope, start: number, end: number): GpuTensor {
    const batch = scope.alloc([(end - start) * this.length, this.hidden], 'hidden states of a batch');
    for (let row = start; row < end; row++) {
      const target = this.#rowOf(batch, row - start);
      if (this.#resident) this.#gpu.copy(this.#rowOf(this.#resident, row), target);
      else this.#gpu.write(target, this.#host[row]!);
    }
    return batch;
  }

  /** Takes the states of rows start … from `batch`. */
  async store(batch: GpuTensor, start: number): Promise<void> {
    const rows = batch.shape[0]! / this.length;
    if (this.#resident) {
      for (let i = 0; i < rows; i++)
        this.#gpu.copy(this.#rowOf(batch, i), this.#rowOf(this.#resident, start + i));
      return;
    }
    const data = new Float32Array(await this.#gpu.read(batch));
    const size = this.length * this.hidden;
    for (let i = 0; i < rows; i++) this.#host[start + i] = data.slice(i * size, (i + 1) * size);
  }

  /** One row's states in host memory, (length, hidden). */
  async readRow(row: number): Promise<Float32Array<ArrayBuffer>> {
    if (!this.#resident) return this.#host[row]!;
    return new Float32Array(await this.#gpu.read(this.#rowOf(this.#resident, row)));
  }

  writeRow(row: number, data: Float32Array<ArrayBuffer>): void {
    if (this.#resident) this.#gpu.write(this.#rowOf(this.#resident, row), data);
    else this.#host[row] = data;
  }

  /** Frees the GPU memory; false when the states take none. */
  async moveToHost(): Promise<boolean> {
    const resident = this.#resident;
    if (!resident) return false;
    for (let row = 0; row < this.rows; row++) this.#host[row] = await this.readRow(row);
    this.#resident = undefined;
    this.#gpu.free(resident);
    return true;
  }

  free(): void {
    if (this.#resident) this.#gpu.free(this.#resident);
    this.#host.length = 0;
  }

  #rowOf(tensor: GpuTensor, row: number): GpuTensor {
    return view(tensor, row * this.length * this.hidden, [this.length, this.hidden]);
  }
}

/** Calls `work` for each batch of at most `size` rows, with a scope of its own; waits for the GPU in between. */
export async function forEachBatch(
  gpu: Gpu,
  rows: number,
  size: number,
  work: (scope: Scope, start: number, end: number) => Promise<void> | void,
): Promise<void> {
  for (let start = 0; start < rows; start += size) {
    await withScope(gpu, (scope) => work(scope, start, Math.min(rows, start + size)));
    await gpu.sync();
  }
}
