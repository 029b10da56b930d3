import type { Gpu } from '../../gpu/gpu.ts';
import { type Scope, withScope } from '../../gpu/scope.ts';
import { type GpuTensor, view } from '../../gpu/tensor.ts';
import { addVector } from '../../kernels/elementwise/add_vector.ts';
import { addTriangle, triangleSize } from '../../kernels/hessian/add_triangle.ts';
import { unpackTriangle } from '../../kernels/hessian/unpack_triangle.ts';
import type { InputKey } from '../../model/spec.ts';

/** A sum Σ xᵀx (k, k) from its packed lower triangle, f32 row after row; it belongs to `scope`. */
export async function putSum(
  gpu: Gpu,
  scope: Scope,
  bytes: Uint8Array<ArrayBuffer>,
  k: number,
): Promise<GpuTensor> {
  const h = scope.alloc([k, k], 'Hessian');
  await withScope(gpu, (temporary) => {
    const p = temporary.alloc([triangleSize(k)], 'Hessian sum');
    gpu.write(p, bytes);
    gpu.run(unpackTriangle, { k, p, h });
  });
  return h;
}

/** Bytes that are read or written at a time. */
export const PIECE_BYTES = 32 * 2 ** 20;

/** Bytes start … end − 1 of the packed triangle that one worker has summed of a half of the parts. */
export interface SumPiece {
  readonly half: number;
  readonly input: InputKey;
  readonly start: number;
  readonly end: number;
  /** In all that the worker has summed of this input; told with one piece, 0 with the others. */
  readonly tokens: number;
}

type Totals = ReadonlyMap<InputKey, GpuTensor>;

/**
 * Sums of xᵀx over parts of the rows: each part is summed in the squares and then added to the total of its half, and
 * at the end the halves are added.
 */
export class HessianSums {
  /** (k, k) f32, lower triangles: of the part under way; after {@link finish} of all rows. */
  readonly squares: ReadonlyMap<InputKey, GpuTensor>;
  readonly #gpu: Gpu;
  readonly #scope: Scope;
  readonly #what: string;
  readonly #memory: Map<InputKey, Uint8Array<ArrayBuffer>>;
  /** Tokens in the sums. */
  readonly tokens = new Map<InputKey, number>();
  /** Packed, of each half that there is anything of. */
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
    this.squares = new Map(
      [...sizes].map(([name, k]) => [name, scope.alloc([k, k], `Hessian of ${what} ${name}`)]),
    );
  }

  /** To begin with, and to begin again. */
  clear(): void {
    this.tokens.clear();
    this.#free(0);
    this.#free(1);
  }

  /** Adds the squares, which hold the sums of a part, to the totals of its half. */
  endPart(half: number): void {
    const totals = this.#totalsOf(half);
    for (const [name, h] of this.squares) {
      this.#gpu.run(addTriangle, { k: h.shape[0]!, h, p: totals.get(name)! });
    }
  }

  /** So many more tokens are in the sum of an input. */
  count(input: InputKey, tokens: number): void {
    this.tokens.set(input, (this.tokens.get(input) ?? 0) + tokens);
  }

  /** What was summed here, piece by piece. */
  get pieces(): SumPiece[] {
    const first = this.#halves.findIndex((totals) => totals);
    return this.#halves.flatMap((totals, half) =>
      [...(totals ?? [])].flatMap(([input, { size }]) =>
        Array.from({ length: Math.ceil(size / PIECE_BYTES) }, (_, i) => ({
          ...{ half, input, start: i * PIECE_BYTES },
          end: Math.min(size, (i + 1) * PIECE_BYTES),
          tokens: half === first && i === 0 ? (this.tokens.get(input) ?? 0) : 0,
        })),
      ),
    );
  }

  /** @param bytes of the piece's size, which take it. */
  readPiece({ half, input, start, end }: SumPiece, bytes: Uint8Array): Promise<void> {
    const total = this.#halves[half]!.get(input)!;
    return this.#gpu.readInto(view(total, start / 4, [(end - start) / 4]), bytes);
  }

  /** Adds a piece that another worker has summed. Of two parts of a half, either may come first. */
  async addPiece({ half, input, start, tokens }: SumPiece, bytes: Uint8Array): Promise<void> {
    this.count(input, tokens);
    const total = this.#totalsOf(half).get(input)!;
    const count = bytes.length / 4;
    await withScope(this.#gpu, (scope) => {
      const x = scope.alloc([count], 'part of a Hessian sum');
      this.#gpu.write(x, bytes);
      this.#gpu.run(addVector, { count, x, y: view(total, start / 4, [count]) });
    });
  }

  /** The total of one input, after {@link finish}; in memory that is used again for the next module's. */
  async read(input: InputKey): Promise<Uint8Array<ArrayBuffer>> {
    const { size } = this.#totalsOf(0).get(input)!;
    const used = this.#memory.get(input);
    const bytes = used?.length === size ? used : new Uint8Array(size);
    this.#memory.set(input, bytes);
    for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
      const piece = bytes.subarray(start, start + PIECE_BYTES);
      await this.readPiece({ half: 0, input, start, end: start + piece.length, tokens: 0 }, piece);
    }
    return bytes;
  }

  /** Adds the halves, and puts the totals into the squares. */
  finish(): void {
    const first = this.#totalsOf(0);
    const second = this.#halves[1];
    for (const [name, h] of this.squares) {
      const p = first.get(name)!;
      const rest = second?.get(name);
      if (rest) this.#gpu.run(addVector, { count: p.size / 4, x: rest, y: p });
      this.#gpu.run(unpackTriangle, { k: h.shape[0]!, p, h });
    }
    this.#free(1);
  }

  /** Frees the totals. */
  freeTotals(): void {
    this.#free(0);
  }

  #totalsOf(half: number): Totals {
    const there = this.#halves[half];
    if (there) return there;
    const label = `Hessian sum of ${this.#what}`;
    const alloc = (h: GpuTensor) => this.#scope.alloc([triangleSize(h.shape[0]!)], label);
    const totals = new Map([...this.squares].map(([name, h]) => [name, alloc(h)]));
    for (const total of totals.values()) this.#gpu.zero(total);
    this.#halves[half] = totals;
    return totals;
  }

  #free(half: number): void {
    for (const total of this.#halves[half]?.values() ?? []) this.#scope.free(total);
    this.#halves[half] = undefined;
  }
}
