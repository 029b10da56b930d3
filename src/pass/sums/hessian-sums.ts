import type { Gpu } from '../../gpu/gpu.ts';
import { allocTriangle, freeTriangle, type Triangle, zeroTriangle } from '../../gpu/matrix/triangle.ts';
import { type Scope, withScope } from '../../gpu/scope.ts';
import { type GpuTensor, view } from '../../gpu/tensor.ts';
import { addVector } from '../../kernels/elementwise/add_vector.ts';
import type { InputKey } from '../../model/spec.ts';

/** A sum Σ xᵀx (k, k) from the bytes of its panels after each other; it belongs to `scope`. */
export async function putSum(
  gpu: Gpu,
  scope: Scope,
  bytes: Uint8Array<ArrayBuffer>,
  k: number,
): Promise<Triangle> {
  const sum = allocTriangle(gpu, scope, k, 'Hessian');
  let start = 0;
  for (const { tensor } of sum.panels) {
    await gpu.upload(tensor, 0, bytes.subarray(start, start + tensor.size));
    start += tensor.size;
  }
  return sum;
}

/** Bytes that are read or written at a time. */
export const PIECE_BYTES = 32 * 2 ** 20;

/** Bytes start … end − 1, of one panel, of the triangle that one worker has summed of a half of the parts. */
export interface SumPiece {
  readonly half: number;
  readonly input: InputKey;
  readonly start: number;
  readonly end: number;
  /** In all that the worker has summed of this input; told with one piece, 0 with the others. */
  readonly tokens: number;
}

type Totals = ReadonlyMap<InputKey, Triangle>;

/**
 * Sums of xᵀx over parts of the rows: each part is summed by itself and then added to the total of its half, and at the
 * end the halves are added.
 */
export class HessianSums {
  /** Of the part under way; after {@link finish} of all rows. */
  readonly sums: ReadonlyMap<InputKey, Triangle>;
  readonly #gpu: Gpu;
  readonly #scope: Scope;
  readonly #what: string;
  readonly #memory: Map<InputKey, Uint8Array<ArrayBuffer>>;
  /** Tokens in the sums. */
  readonly tokens = new Map<InputKey, number>();
  /** Of each half that there is anything of. */
  readonly #halves: [Totals | undefined, Totals | undefined] = [undefined, undefined];

  /**
   * For inputs of these widths; the tensors belong to `scope`.
   * @param memory that {@link read} has used for other modules, and uses now: new memory is slow.
   */
  constructor(
    gpu: Gpu,
    scope: Scope,
    what: string,
    sizes: ReadonlyMap<InputKey, number>,
    memory = new Map<InputKey, Uint8Array<ArrayBuffer>>(),
  ) {
    this.#memory = memory;
    this.#gpu = gpu;
    this.#scope = scope;
    this.#what = what;
    this.sums = new Map(
      [...sizes].map(([name, k]) => [name, allocTriangle(gpu, scope, k, `Hessian of ${what} ${name}`)]),
    );
  }

  /** To begin with, and to begin again. */
  clear(): void {
    this.tokens.clear();
    this.#free(0);
    this.#free(1);
  }

  /** Adds the sums, which are those of a part, to the totals of its half. */
  endPart(half: number): void {
    const totals = this.#totalsOf(half);
    for (const [name, sum] of this.sums) this.#add(sum, totals.get(name)!);
  }

  /** So many more tokens are in the sum of an input. */
  count(input: InputKey, tokens: number): void {
    this.tokens.set(input, (this.tokens.get(input) ?? 0) + tokens);
  }

  /** What was summed here, piece by piece. */
  get pieces(): SumPiece[] {
    const first = this.#halves.findIndex((totals) => totals);
    return this.#halves.flatMap((totals, half) =>
      [...(totals ?? [])].flatMap(([input, total]) =>
        piecesOf(total).map((range, i) => ({
          ...{ half, input, ...range },
          tokens: half === first && i === 0 ? (this.tokens.get(input) ?? 0) : 0,
        })),
      ),
    );
  }

  /** @param bytes of the piece's size, which take it. */
  readPiece({ half, input, start, end }: SumPiece, bytes: Uint8Array): Promise<void> {
    return this.#gpu.readInto(bytesOf(this.#halves[half]!.get(input)!, { start, end }), bytes);
  }

  /** Adds a piece that another worker has summed. Of two parts of a half, either may come first. */
  async addPiece({ half, input, start, end, tokens }: SumPiece, bytes: Uint8Array): Promise<void> {
    this.count(input, tokens);
    const total = this.#totalsOf(half).get(input)!;
    const count = bytes.length / 4;
    await withScope(this.#gpu, async (scope) => {
      const x = scope.alloc([count], 'part of a Hessian sum');
      await this.#gpu.upload(x, 0, bytes);
      this.#gpu.run(addVector, { count, x, y: bytesOf(total, { start, end }) });
    });
  }

  /** The total of one input, after {@link finish}; in memory that is used again for the next module's. */
  async read(input: InputKey): Promise<Uint8Array<ArrayBuffer>> {
    const pieces = piecesOf(this.#totalsOf(0).get(input)!);
    const size = pieces.at(-1)!.end;
    const used = this.#memory.get(input);
    const bytes = used?.length === size ? used : new Uint8Array(size);
    this.#memory.set(input, bytes);
    for (const { start, end } of pieces)
      await this.readPiece({ half: 0, input, start, end, tokens: 0 }, bytes.subarray(start, end));
    return bytes;
  }

  /** Adds the halves, and puts the totals into the sums. */
  finish(): void {
    const first = this.#totalsOf(0);
    const second = this.#halves[1];
    for (const [name, sum] of this.sums) {
      const total = first.get(name)!;
      const rest = second?.get(name);
      if (rest) this.#add(rest, total);
      for (const [i, { tensor }] of sum.panels.entries()) this.#gpu.copy(total.panels[i]!.tensor, tensor);
    }
    this.#free(1);
  }

  /** Frees the totals. */
  freeTotals(): void {
    this.#free(0);
  }

  #add(sum: Triangle, total: Triangle): void {
    for (const [i, { tensor: x }] of sum.panels.entries())
      this.#gpu.run(addVector, { count: x.size / 4, x, y: total.panels[i]!.tensor });
  }

  #totalsOf(half: number): Totals {
    const there = this.#halves[half];
    if (there) return there;
    const label = `Hessian sum of ${this.#what}`;
    const totals = new Map(
      [...this.sums].map(([name, { k }]) => [name, allocTriangle(this.#gpu, this.#scope, k, label)]),
    );
    for (const total of totals.values()) zeroTriangle(this.#gpu, total);
    this.#halves[half] = totals;
    return totals;
  }

  #free(half: number): void {
    for (const total of this.#halves[half]?.values() ?? []) freeTriangle(this.#scope, total);
    this.#halves[half] = undefined;
  }
}

/** Bytes of the panels of a triangle after each other. */
type ByteRange = Pick<SumPiece, 'start' | 'end'>;

/** In pieces, of which none has bytes of two panels. */
function piecesOf({ panels }: Triangle): ByteRange[] {
  const pieces: ByteRange[] = [];
  let base = 0;
  for (const { tensor } of panels) {
    for (let at = 0; at < tensor.size; at += PIECE_BYTES)
      pieces.push({ start: base + at, end: base + Math.min(tensor.size, at + PIECE_BYTES) });
    base += tensor.size;
  }
  return pieces;
}

/** Where the bytes of a piece are. */
function bytesOf({ panels }: Triangle, { start, end }: ByteRange): GpuTensor {
  let base = 0;
  for (const { tensor } of panels) {
    if (start < base + tensor.size) return view(tensor, (start - base) / 4, [(end - start) / 4]);
    base += tensor.size;
  }
  throw new RangeError(`no panel has byte ${start}`);
}
