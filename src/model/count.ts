import { padColumns } from '../exl2/packed-linear.ts';
import { bufferBytes } from '../gpu/memory.ts';
import { type Ops, runModule } from './forward.ts';
import type { AttentionSpec, LinearSpec, ModuleSpec } from './spec.ts';

/** Activations (tokens, width) f32 that would be on the GPU. */
interface Counted {
  readonly width: number;
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
  const ops = new CountOps(tokens, length, keeps);
  runModule(ops, module, ops.input(module.norm.size));
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
  readonly #kept = new Set<Counted>();
  #live = 0;

  constructor(tokens: number, length: number, keeps: boolean) {
    this.#tokens = tokens;
    this.#length = length;
    this.#keeps = keeps;
  }

  input(width: number): Counted {
    const x = { width, bytes: 0 };
    this.#kept.add(x);
    return x;
  }

  norm(x: Counted): Counted {
    return this.#kept.has(x) ? this.#keep(this.#alloc(x.width)) : this.#alloc(x.width);
  }

  project(_: Counted, { k, n }: LinearSpec): Counted {
    this.products += 2 * this.#tokens * k * n;
    return this.#alloc(padColumns(n));
  }

  rotate(x: Counted): Counted {
    return x;
  }

  attend(q: Counted, _k: Counted, _v: Counted, { heads, headDim }: AttentionSpec): Counted {
    this.scores += 2 * this.#tokens * this.#length * heads * headDim;
    return this.#alloc(q.width);
  }

  addScaled(_: Counted, y: Counted): Counted {
    return y;
  }

  activate(gate: Counted): Counted {
    return this.#kept.has(gate) ? this.#alloc(gate.width) : gate;
  }

  once(linear: LinearSpec, make: () => Counted): Counted {
    this.first.add(linear);
    return this.#keep(make());
  }

  free(x: Counted): void {
    if (!this.#kept.has(x)) this.#live -= x.bytes;
  }

  #alloc(width: number): Counted {
    const made = { width, bytes: bufferBytes(this.#tokens * width * 4) };
    this.#live += made.bytes;
    this.peak = Math.max(this.peak, this.#live);
    return made;
  }

  #keep(x: Counted): Counted {
    if (this.#keeps) this.#kept.add(x);
    return x;
  }
}
