import type { Gpu } from '../../gpu/gpu.ts';
import { bufferBytes } from '../../gpu/memory.ts';
import type { Scope } from '../../gpu/scope.ts';
import { copyable, type GpuTensor } from '../../gpu/tensor.ts';
import type { ModuleInput } from '../forward.ts';

/** Share of the GPU memory budget that resident states take where nothing tells better. */
const RESIDENT_SHARE = 0.35;

interface StatesOptions {
  /** Whether the model has modules that stand beside each other. */
  readonly keepsInputs?: boolean;
  /** Bytes that they may take on the GPU. */
  readonly room?: number;
}

const defaultRoom = ({ memory }: Gpu): number =>
  Math.min(memory.budget * RESIDENT_SHARE, memory.available / 2);

/**
 * Hidden states of all calibration rows, (length, hidden) f32 each: as many rows on the GPU as a part of its memory
 * budget holds, the others in host memory. Read and written in batches of rows. Where modules stand beside each other,
 * what the first of them has read is kept beside what they have made so far.
 */
export class HiddenStates {
  readonly rows: number;
  readonly length: number;
  readonly hidden: number;
  readonly #gpu: Gpu;
  /** Of the first rows; a buffer each, as all together may be larger than a buffer can be. */
  #resident: GpuTensor[] = [];
  /** Of the rows that are not resident. */
  readonly #host: Float32Array<ArrayBuffer>[] = [];
  /** What the next module reads, where that may be something else. */
  readonly #inputs: HiddenStates | undefined;

  constructor(gpu: Gpu, rows: number, length: number, hidden: number, options: StatesOptions = {}) {
    const { keepsInputs = false, room = defaultRoom(gpu) } = options;
    this.rows = rows;
    this.length = length;
    this.hidden = hidden;
    this.#gpu = gpu;
    const own = keepsInputs ? room / 2 : room;
    const count = Math.min(rows, Math.floor(own / bufferBytes(length * hidden * 4)));
    for (let row = 0; row < count; row++) this.#resident.push(gpu.alloc([length, hidden], 'hidden states'));
    this.#inputs = keepsInputs ? new HiddenStates(gpu, rows, length, hidden, { room: own }) : undefined;
  }

  /** Bytes that they take on the GPU. */
  get residentBytes(): number {
    const own = this.#resident.reduce((sum, { buffer }) => sum + buffer.size, 0);
    return own + (this.#inputs?.residentBytes ?? 0);
  }

  /** All rows are on the GPU. */
  get isResident(): boolean {
    return this.#resident.length === this.rows;
  }

  /** What a module works on of rows [start, end), (tokens, hidden), owned by `scope`. */
  loadInput(scope: Scope, start: number, end: number): ModuleInput<GpuTensor> {
    const residual = this.load(scope, start, end);
    return { x: this.#inputs?.load(scope, start, end) ?? residual, residual };
  }

  /** States of rows [start, end), (tokens, hidden), owned by `scope`. */
  load(scope: Scope, start: number, end: number): GpuTensor {
    const batch = scope.alloc([(end - start) * this.length, this.hidden], 'hidden states of a batch');
    for (let row = start; row < end; row++) {
      const target = this.#rowOf(batch, row - start);
      const resident = this.#resident[row];
      if (resident) this.#gpu.copy(resident, target);
      else this.#gpu.write(target, this.#host[row]!);
    }
    return batch;
  }

  /**
   * Takes the states of rows start … from `batch`, which may be freed at once. Rows that are not resident can be
   * loaded when the promise is resolved.
   * @param input what the next module reads.
   */
  async store(batch: GpuTensor, start: number, input = batch): Promise<void> {
    const reading: Promise<void>[] = this.#inputs ? [this.#inputs.store(input, start)] : [];
    for (let row = start; row < start + batch.shape[0]! / this.length; row++) {
      const source = this.#rowOf(batch, row - start);
      const resident = this.#resident[row];
      if (resident) this.#gpu.copy(source, resident);
      else reading.push(this.#toHost(source, row));
    }
    await Promise.all(reading);
  }

  /** One row's states in host memory, (length, hidden); of use until the row is stored again. */
  async readRow(row: number): Promise<Float32Array<ArrayBuffer>> {
    const resident = this.#resident[row];
    return resident ? new Float32Array(await this.#gpu.read(resident)) : this.#host[row]!;
  }

  /** Takes over `data`. */
  writeRow(row: number, data: Float32Array<ArrayBuffer>): void {
    const resident = this.#resident[row];
    if (resident) this.#gpu.write(resident, data);
    else this.#host[row] = data;
  }

  /** Frees the GPU memory; false when the states take none. */
  async moveToHost(): Promise<boolean> {
    const inputsMoved = (await this.#inputs?.moveToHost()) ?? false;
    const resident = this.#resident;
    if (resident.length === 0) return inputsMoved;
    for (let row = 0; row < resident.length; row++) this.#host[row] = await this.readRow(row);
    this.#resident = [];
    for (const tensor of resident) this.#gpu.free(tensor);
    return true;
  }

  free(): void {
    for (const tensor of this.#resident) this.#gpu.free(tensor);
    this.#resident = [];
    this.#host.length = 0;
    this.#inputs?.free();
  }

  async #toHost(source: GpuTensor, row: number): Promise<void> {
    const kept = this.#host[row];
    if (kept) await this.#gpu.readInto(source, new Uint8Array(kept.buffer, kept.byteOffset, kept.byteLength));
    else this.#host[row] = new Float32Array(await this.#gpu.read(source));
  }

  #rowOf(batch: GpuTensor, row: number): GpuTensor {
    return copyable(batch, row * this.length * this.hidden, [this.length, this.hidden]);
  }
}
