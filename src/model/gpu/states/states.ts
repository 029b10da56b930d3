import type { Gpu } from '../../../gpu/gpu.ts';
import { bufferBytes } from '../../../gpu/memory.ts';
import type { Scope } from '../../../gpu/scope.ts';
import { copyable, type GpuTensor } from '../../../gpu/tensor.ts';
import { assert } from '../../../util/errors.ts';
import type { ModuleInput } from '../../forward.ts';
import type { RowFile } from './row-file.ts';
import { StateStore } from './state-store.ts';

/** Share of the GPU memory budget that resident states take where nothing tells better. */
const RESIDENT_SHARE = 0.35;

interface StatesOptions {
  /** Whether the model has modules that stand beside each other. */
  readonly keepsInputs?: boolean;
  /** Bytes that they may take on the GPU. */
  readonly room?: number;
  /** Missing: the others are in main memory. */
  readonly store?: StateStore;
}

const defaultRoom = ({ memory }: Gpu): number =>
  Math.min(memory.budget * RESIDENT_SHARE, memory.available / 2);

/**
 * Hidden states of all calibration rows, (length, hidden) f32 each: as many rows on the GPU as a part of its memory
 * budget holds, the others in main memory, or in a file where that has no room. Read and written in batches of rows, in
 * their order. Where modules stand beside each other, what the first of them has read is kept beside what they have made
 * so far.
 */
export class HiddenStates {
  readonly rows: number;
  readonly length: number;
  readonly hidden: number;
  readonly #gpu: Gpu;
  readonly #store: StateStore;
  /** Of the first rows; a buffer each, as all together may be larger than a buffer can be. */
  #resident: GpuTensor[] = [];
  /** Of rows that are not resident. */
  readonly #host: Float32Array<ArrayBuffer>[] = [];
  /** Of those that have no room in main memory either. */
  #file: RowFile | undefined;
  /** What the next module reads, where that may be something else. */
  readonly #inputs: HiddenStates | undefined;

  constructor(gpu: Gpu, rows: number, length: number, hidden: number, options: StatesOptions = {}) {
    const { keepsInputs = false, room = defaultRoom(gpu), store = new StateStore() } = options;
    this.rows = rows;
    this.length = length;
    this.hidden = hidden;
    this.#gpu = gpu;
    this.#store = store;
    const own = keepsInputs ? room / 2 : room;
    const count = Math.min(rows, Math.floor(own / bufferBytes(this.#rowBytes)));
    for (let row = 0; row < count; row++) this.#resident.push(gpu.alloc([length, hidden], 'hidden states'));
    this.#inputs = keepsInputs
      ? new HiddenStates(gpu, rows, length, hidden, { room: own, store })
      : undefined;
  }

  /** Bytes that they take on the GPU. */
  get residentBytes(): number {
    const own = this.#resident.reduce((sum, { block }) => sum + block.size, 0);
    return own + (this.#inputs?.residentBytes ?? 0);
  }

  /** All rows are on the GPU. */
  get isResident(): boolean {
    return this.#resident.length === this.rows;
  }

  /** What a module works on of rows [start, end), (tokens, hidden), owned by `scope`. */
  async loadInput(scope: Scope, start: number, end: number): Promise<ModuleInput<GpuTensor>> {
    const residual = await this.load(scope, start, end);
    return { x: (await this.#inputs?.load(scope, start, end)) ?? residual, residual };
  }

  /** States of rows [start, end), (tokens, hidden), owned by `scope`; of a file the rows after them are read ahead. */
  async load(scope: Scope, start: number, end: number): Promise<GpuTensor> {
    const batch = scope.alloc([(end - start) * this.length, this.hidden], 'hidden states of a batch');
    const file = this.#file;
    file?.readAhead(start, end);
    for (let row = start; row < end; row++) {
      const target = this.#rowOf(batch, row - start);
      const resident = this.#resident[row];
      const host = this.#host[row];
      if (resident) this.#gpu.copy(resident, target);
      else if (host) await this.#gpu.upload(target, 0, host);
      else {
        const data = await this.#read(row);
        await this.#gpu.upload(target, 0, data);
        file?.giveBack(data);
      }
    }
    file?.readAhead(end, Math.min(this.rows, 2 * end - start));
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
      else reading.push(this.#fetch(source, row));
    }
    await Promise.all(reading);
  }

  /** One row's states in main memory, (length, hidden); of use until the row is stored again. */
  async readRow(row: number): Promise<Float32Array<ArrayBuffer>> {
    const resident = this.#resident[row];
    if (resident) return new Float32Array(await this.#gpu.read(resident));
    return this.#host[row] ?? this.#read(row);
  }

  /** Takes over `data`. */
  async writeRow(row: number, data: Float32Array<ArrayBuffer>): Promise<void> {
    const resident = this.#resident[row];
    if (resident) this.#gpu.write(resident, data);
    else await this.#put(row, data);
  }

  /**
   * Frees `bytes` of GPU memory, or all that the states take there, for main memory or the file; false when they take
   * none.
   */
  async moveToHost(bytes = Number.POSITIVE_INFINITY): Promise<boolean> {
    const before = this.residentBytes;
    await this.#inputs?.moveToHost(bytes);
    while (this.#resident.length > 0 && before - this.residentBytes < bytes) {
      const row = this.#resident.length - 1;
      const tensor = this.#resident[row]!;
      await this.#put(row, new Float32Array(await this.#gpu.read(tensor)));
      this.#resident.length = row;
      this.#gpu.free(tensor);
    }
    return before > 0;
  }

  async free(): Promise<void> {
    for (const tensor of this.#resident) this.#gpu.free(tensor);
    this.#resident = [];
    this.#host.forEach(() => void this.#store.give(this.#rowBytes));
    this.#host.length = 0;
    const file = this.#file;
    this.#file = undefined;
    await Promise.all([this.#inputs?.free(), file?.close()]);
  }

  get #rowBytes(): number {
    return this.length * this.hidden * 4;
  }

  /** Reads a row back into its place; begins at once. */
  async #fetch(source: GpuTensor, row: number): Promise<void> {
    const host = this.#hostOf(row);
    if (host) return this.#gpu.readInto(source, bytesOf(host));
    const file = this.#ownFile;
    const data = file.borrow();
    await this.#gpu.readInto(source, bytesOf(data));
    await file.write(row, data);
    file.giveBack(data);
  }

  async #put(row: number, data: Float32Array<ArrayBuffer>): Promise<void> {
    if (this.#host[row] || this.#takesHost(row)) this.#host[row] = data;
    else await this.#ownFile.write(row, data);
  }

  /** Main memory of a row; undefined: it belongs into the file. */
  #hostOf(row: number): Float32Array<ArrayBuffer> | undefined {
    if (this.#takesHost(row)) this.#host[row] = new Float32Array(this.length * this.hidden);
    return this.#host[row];
  }

  /** Whether a row that is nowhere yet has got room in main memory. */
  #takesHost(row: number): boolean {
    return !this.#host[row] && !this.#file?.has(row) && this.#store.take(this.#rowBytes);
  }

  /** A row of the file, in borrowed memory. */
  #read(row: number): Promise<Float32Array<ArrayBuffer>> {
    const file = this.#file;
    assert(file?.has(row) === true, `the states of row ${row} are read before they are stored`);
    return file.read(row);
  }

  get #ownFile(): RowFile {
    this.#file ??= this.#store.newFile(this.length * this.hidden);
    return this.#file;
  }

  #rowOf(batch: GpuTensor, row: number): GpuTensor {
    return copyable(batch, row * this.length * this.hidden, [this.length, this.hidden]);
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  new Uint8Array(buffer, byteOffset, byteLength);
