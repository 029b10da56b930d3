import type { ScratchFile, ScratchPlace } from '../../../io/bytes.ts';

type Row = Float32Array<ArrayBuffer>;

const bytesOf = (row: Row): Uint8Array<ArrayBuffer> =>
  new Uint8Array(row.buffer, row.byteOffset, row.byteLength);

/** Rows of f32 in a scratch file, as far as they were written, and read ahead of their use. */
export class RowFile {
  readonly #length: number;
  readonly #scratch: ScratchPlace;
  readonly #grow: (bytes: number) => void;
  #file: Promise<ScratchFile> | undefined;
  /** Where in the file each row is, counted in rows. */
  readonly #places = new Map<number, number>();
  /** Rows that are read, or being read, before they are asked for. */
  readonly #ahead = new Map<number, Promise<Row>>();
  /** Used memory is quicker than new one. */
  readonly #spare: Row[] = [];

  /**
   * @param length f32 of a row.
   * @param grow told by how many bytes the file grows, or shrinks.
   */
  constructor(length: number, scratch: ScratchPlace, grow: (bytes: number) => void) {
    this.#length = length;
    this.#scratch = scratch;
    this.#grow = grow;
  }

  has(row: number): boolean {
    return this.#places.has(row);
  }

  /** Memory for a row, to be given back. */
  borrow(): Row {
    return this.#spare.pop() ?? new Float32Array(this.#length);
  }

  giveBack(row: Row): void {
    this.#spare.push(row);
  }

  /** Begins to read those of the rows [start, end) that are here; what was read of others is dropped. */
  readAhead(start: number, end: number): void {
    for (const row of this.#ahead.keys()) if (row < start || row >= end) this.#drop(row);
    for (let row = start; row < end; row++) {
      if (!this.has(row) || this.#ahead.has(row)) continue;
      const reading = this.#read(row);
      reading.catch(() => {}); // thrown when it is used
      this.#ahead.set(row, reading);
    }
  }

  /** A row in borrowed memory. */
  read(row: number): Promise<Row> {
    const reading = this.#ahead.get(row) ?? this.#read(row);
    this.#ahead.delete(row);
    return reading;
  }

  /** `data` may be used again when the promise is resolved; nothing may read the row meanwhile. */
  async write(row: number, data: Row): Promise<void> {
    this.#drop(row);
    const place = this.#places.get(row) ?? this.#places.size;
    if (!this.has(row)) this.#grow(data.byteLength);
    this.#places.set(row, place);
    await (await this.#opened()).write(place * data.byteLength, bytesOf(data));
  }

  async close(): Promise<void> {
    for (const row of this.#ahead.keys()) this.#drop(row);
    this.#grow(-this.#places.size * this.#length * 4);
    this.#places.clear();
    this.#spare.length = 0;
    const file = await this.#file?.catch(() => undefined); // what opened it was told
    this.#file = undefined;
    await file?.close();
  }

  async #read(row: number): Promise<Row> {
    const data = this.borrow();
    await (await this.#opened()).readInto(this.#places.get(row)! * data.byteLength, bytesOf(data));
    return data;
  }

  /** Forgets what was read ahead of a row. */
  #drop(row: number): void {
    const reading = this.#ahead.get(row);
    this.#ahead.delete(row);
    reading?.then(
      (data) => this.giveBack(data),
      () => {},
    );
  }

  #opened(): Promise<ScratchFile> {
    this.#file ??= this.#scratch.open();
    return this.#file;
  }
}
