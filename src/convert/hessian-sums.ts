import type { Gpu } from '../gpu/gpu.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import { type GpuTensor, view } from '../gpu/tensor.ts';
import { addTriangle, triangleSize } from '../kernels/linalg/add_triangle.ts';
import { addVector } from '../kernels/linalg/add_vector.ts';
import { spreadTriangle } from '../kernels/linalg/spread_triangle.ts';
import type { LinearInput } from '../model/architectures/architecture.ts';

/** Packed lower triangles of sums Σ xᵀx (k, k) by linear input, f32 row after row. */
export type SumBytes = ReadonlyMap<LinearInput, Uint8Array<ArrayBuffer>>;

/** A sum (k, k) from its bytes, lower triangle; it belongs to `scope`. */
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
    gpu.run(spreadTriangle, { k, p, h });
  });
  return h;
}

/** Elements that are read or written at a time: 64 MiB. */
const PIECE = 2 ** 24;

/** What one worker has summed of a half of the parts. */
export interface HalfSum {
  readonly half: number;
  readonly sums: SumBytes;
}

type Totals = ReadonlyMap<LinearInput, GpuTensor>;

/**
 * Sums of xᵀx over parts of the rows: each part is summed in the squares and then added to the total of its half, and
 * at the end the halves are added.
 */
export class HessianSums {
  /** (k, k) f32, lower triangles: of the part under way; after {@link finish} of all rows. */
  readonly squares: ReadonlyMap<LinearInput, GpuTensor>;
  readonly #gpu: Gpu;
  readonly #scope: Scope;
  readonly #what: string;
  /** Packed, of each half; the second one where it is summed here. */
  readonly #halves: [Totals, Totals | undefined];

  /** For inputs of these widths; the tensors belong to `scope`. */
  constructor(gpu: Gpu, scope: Scope, what: string, sizes: ReadonlyMap<LinearInput, number>) {
    this.#gpu = gpu;
    this.#scope = scope;
    this.#what = what;
    this.squares = new Map(
      [...sizes].map(([name, k]) => [name, scope.alloc([k, k], `Hessian of ${what} ${name}`)]),
    );
    this.#halves = [this.#newTotals(), undefined];
  }

  /** To begin with, and to begin again. */
  clear(): void {
    const [first, second] = this.#halves;
    for (const total of first.values()) this.#gpu.zero(total);
    if (second) this.#freeAll(second);
    this.#halves[1] = undefined;
  }

  startPart(): void {
    for (const square of this.squares.values()) this.#gpu.zero(square);
  }

  endPart(half: number): void {
    const totals = this.#totalsOf(half);
    for (const [name, h] of this.squares) {
      this.#gpu.run(addTriangle, { k: h.shape[0]!, h, p: totals.get(name)! });
    }
  }

  /** Adds what other workers have summed, in the order of its parts. */
  async add(others: readonly HalfSum[]): Promise<void> {
    for (const { half, sums } of others) {
      // A half that comes whole is added to the other one as it is.
      const isWhole = half === 0 || (!this.#halves[1] && others.filter((o) => o.half === half).length === 1);
      await this.#addBytes(isWhole ? this.#halves[0] : this.#totalsOf(half), sums);
    }
  }

  async #addBytes(totals: Totals, sums: SumBytes): Promise<void> {
    for (const [name, bytes] of sums) {
      const total = totals.get(name)!;
      for (let at = 0; at < bytes.length / 4; at += PIECE) {
        const piece = bytes.subarray(at * 4, (at + PIECE) * 4);
        const count = piece.length / 4;
        await withScope(this.#gpu, async (scope) => {
          const x = scope.alloc([count], 'part of a Hessian sum');
          this.#gpu.write(x, piece);
          this.#gpu.run(addVector, { count, x, y: view(total, at, [count]) });
          await this.#gpu.sync();
        });
      }
    }
  }

  /**
   * The total of one input; before {@link finish} of the only half that was summed.
   * @param memory of an earlier total, which is used again if it has the size.
   */
  async read(name: LinearInput, memory?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    const total = this.#halves[0].get(name)!;
    const bytes = memory?.length === total.size ? memory : new Uint8Array(total.size);
    const count = total.size / 4;
    for (let at = 0; at < count; at += PIECE) {
      const length = Math.min(PIECE, count - at);
      await this.#gpu.readInto(view(total, at, [length]), bytes.subarray(at * 4, (at + length) * 4));
    }
    return bytes;
  }

  /** All totals. @param memory of earlier ones, which is used again where it has the size. */
  async readAll(memory?: SumBytes): Promise<SumBytes> {
    const all = new Map<LinearInput, Uint8Array<ArrayBuffer>>();
    for (const name of this.squares.keys()) all.set(name, await this.read(name, memory?.get(name)));
    return all;
  }

  /** Adds the halves, and puts the totals into the squares. */
  finish(): void {
    const [first, second] = this.#halves;
    for (const [name, h] of this.squares) {
      const p = first.get(name)!;
      const rest = second?.get(name);
      if (rest) this.#gpu.run(addVector, { count: p.size / 4, x: rest, y: p });
      this.#gpu.run(spreadTriangle, { k: h.shape[0]!, p, h });
    }
    if (second) this.#freeAll(second);
    this.#halves[1] = undefined;
  }

  /** Frees the totals. */
  freeTotals(): void {
    this.#freeAll(this.#halves[0]);
  }

  #totalsOf(half: number): Totals {
    if (half === 0) return this.#halves[0];
    if (!this.#halves[1]) {
      this.#halves[1] = this.#newTotals();
      for (const total of this.#halves[1].values()) this.#gpu.zero(total);
    }
    return this.#halves[1];
  }

  #newTotals(): Totals {
    const label = `Hessian sum of ${this.#what}`;
    const alloc = (h: GpuTensor) => this.#scope.alloc([triangleSize(h.shape[0]!)], label);
    return new Map([...this.squares].map(([name, h]) => [name, alloc(h)]));
  }

  #freeAll(totals: Totals): void {
    for (const total of totals.values()) this.#scope.free(total);
  }
}
