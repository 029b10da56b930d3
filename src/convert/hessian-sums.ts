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

/** Sums of xᵀx over parts of the rows: each part is summed in the squares, and then added to the totals. */
export class HessianSums {
  /** (k, k) f32, lower triangles: of the part under way; after {@link finish} of all rows. */
  readonly squares: ReadonlyMap<LinearInput, GpuTensor>;
  readonly #gpu: Gpu;
  /** Packed. */
  readonly #totals: ReadonlyMap<LinearInput, GpuTensor>;

  /** For inputs of these widths; the tensors belong to `scope`. */
  constructor(gpu: Gpu, scope: Scope, what: string, sizes: ReadonlyMap<LinearInput, number>) {
    const tensors = (shape: (k: number) => number[], label: string) =>
      new Map([...sizes].map(([name, k]) => [name, scope.alloc(shape(k), `${label} of ${what} ${name}`)]));
    this.#gpu = gpu;
    this.squares = tensors((k) => [k, k], 'Hessian');
    this.#totals = tensors((k) => [triangleSize(k)], 'Hessian sum');
  }

  clear(): void {
    for (const total of this.#totals.values()) this.#gpu.zero(total);
  }

  startPart(): void {
    for (const square of this.squares.values()) this.#gpu.zero(square);
  }

  endPart(): void {
    for (const [name, h] of this.squares) {
      this.#gpu.run(addTriangle, { k: h.shape[0]!, h, p: this.#totals.get(name)! });
    }
  }

  /** Adds a part that another worker has summed. */
  async add(part: SumBytes): Promise<void> {
    for (const [name, bytes] of part) {
      const total = this.#totals.get(name)!;
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

  /** The total of one input. */
  async read(name: LinearInput): Promise<Uint8Array<ArrayBuffer>> {
    const total = this.#totals.get(name)!;
    const bytes = new Uint8Array(total.size);
    const count = total.size / 4;
    for (let at = 0; at < count; at += PIECE) {
      const length = Math.min(PIECE, count - at);
      await this.#gpu.readInto(view(total, at, [length]), bytes.subarray(at * 4, (at + length) * 4));
    }
    return bytes;
  }

  async readAll(): Promise<SumBytes> {
    const all = new Map<LinearInput, Uint8Array<ArrayBuffer>>();
    for (const name of this.#totals.keys()) all.set(name, await this.read(name));
    return all;
  }

  /** Puts the totals into the squares. */
  finish(): void {
    for (const [name, h] of this.squares) {
      this.#gpu.run(spreadTriangle, { k: h.shape[0]!, p: this.#totals.get(name)!, h });
    }
  }

  /** Frees the totals. */
  freeTotals(scope: Scope): void {
    for (const total of this.#totals.values()) scope.free(total);
  }
}
