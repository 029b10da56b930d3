import { padColumns } from '../exl2/packed-linear.ts';
import { bufferBytes } from '../gpu/memory.ts';
import { MATRIX_SIDE } from '../kernels/gemm/gemm_subgroup_matrix.ts';
import { type Gathered, type Ops, runModule } from './forward.ts';
import { tokenShare } from './sizes.ts';
import type { AttentionSpec, ExpertsSpec, LinearSpec, ModuleSpec } from './spec.ts';

/** Activations (tokens, width) f32 that would be on the GPU. */
interface Counted {
  readonly width: number;
  /** As many as there may be. */
  readonly tokens: number;
  readonly bytes: number;
}

/** What running a module takes. */
export interface ModuleCount {
  /** Most bytes of activations at a time, beside the module's input; what comes out is among them at the end. */
  readonly bytes: number;
  /** Operations of the linears' products. */
  readonly products: number;
  /** Operations of scores and their use: half of (length, length) for every head, as nothing looks ahead. */
  readonly scores: number;
  /** Linears that read the module's input, normed: what they make need not be made again with another version of others. */
  readonly first: ReadonlySet<LinearSpec>;
}

/**
 * @param tokens in rows of `length`.
 * @param keeps whether what {@link Ops.once} makes is kept, with the normed input, to be used again.
 */
export function countModule(module: ModuleSpec, tokens: number, length: number, keeps = false): ModuleCount {
  const ops = new CountOps(tokens, length, keeps, tokenShare(module));
  const input = ops.input(module.norm.size);
  runModule(ops, module, { x: input, residual: input });
  const { products, scores, first, peak: bytes } = ops;
  return { bytes, products, scores, first };
}

class CountOps implements Ops<Counted> {
  products = 0;
  scores = 0;
  peak = 0;
  readonly first = new Set<LinearSpec>();
  readonly #tokens: number;
  readonly #length: number;
  readonly #keeps: boolean;
  readonly #share: number;
  readonly #kept = new Set<Counted>();
  #live = 0;
  /** Experts that have had tokens so far. */
  #experts = 0;

  constructor(tokens: number, length: number, keeps: boolean, share: number) {
    this.#tokens = tokens;
    this.#length = length;
    this.#keeps = keeps;
    this.#share = share;
  }

  input(width: number): Counted {
    const x = { width, tokens: this.#tokens, bytes: 0 };
    this.#kept.add(x);
    return x;
  }

  norm(x: Counted): Counted {
    return this.#kept.has(x) ? this.#keep(this.#alloc(x, x.width)) : this.#alloc(x, x.width);
  }

  project(x: Counted, { k, n }: LinearSpec): Counted {
    this.products += 2 * this.#tokens * this.#share * k * n;
    return this.#alloc(x, padColumns(n));
  }

  clip(x: Counted): Counted {
    return x;
  }

  rotate(x: Counted): Counted {
    return x;
  }

  attend(q: Counted, _k: Counted, _v: Counted, { heads, headDim }: AttentionSpec): Counted {
    this.scores += 2 * this.#tokens * this.#length * heads * headDim;
    return this.#alloc(q, q.width);
  }

  addScaled(_: Counted, y: Counted): Counted {
    return y;
  }

  activate(gate: Counted): Counted {
    return this.#kept.has(gate) ? this.#alloc(gate, gate.width) : gate;
  }

  copy(x: Counted): Counted {
    return this.#alloc(x, x.width);
  }

  /** All tokens may go to the same experts, and the others get none. */
  gather({ width }: Counted, { router }: ExpertsSpec): Gathered<Counted> {
    const tokens = this.#experts < router.perToken ? this.#tokens + MATRIX_SIDE - 1 : MATRIX_SIDE;
    this.#experts++;
    return { rows: this.#alloc({ tokens }, width), tokens };
  }

  scatter(): void {}

  once(linear: LinearSpec, make: () => Counted): Counted {
    this.first.add(linear);
    return this.#keep(make());
  }

  free(x: Counted): void {
    if (!this.#kept.has(x)) this.#live -= x.bytes;
  }

  #alloc({ tokens }: Pick<Counted, 'tokens'>, width: number): Counted {
    const made = { width, tokens, bytes: bufferBytes(tokens * width * 4) };
    this.#live += made.bytes;
    this.peak = Math.max(this.peak, this.#live);
    return made;
  }

  #keep(x: Counted): Counted {
    if (this.#keeps) this.#kept.add(x);
    return x;
  }
}
