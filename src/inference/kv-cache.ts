import type { Gpu } from '../gpu/gpu.ts';
import type { Scope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { type ForwardContext, forwardContext, type KeyValueCache } from '../model/gpu/ops.ts';
import type { ModelSpec } from '../model/spec.ts';
import { assert } from '../util/errors.ts';

/** Keys and values of all tokens of one text so far, f32, for at most `capacity` tokens. */
export class KvCache implements KeyValueCache {
  readonly capacity: number;
  readonly #gpu: Gpu;
  readonly #base: ForwardContext;
  /** (capacity, kvHeads · headDim) each, by layer. */
  readonly #layers: ReadonlyMap<number, { readonly k: GpuTensor; readonly v: GpuTensor }>;
  #past = 0;

  /** The tensors belong to `scope`. */
  constructor(gpu: Gpu, scope: Scope, model: ModelSpec, capacity: number) {
    this.#gpu = gpu;
    this.capacity = capacity;
    this.#base = forwardContext(gpu, scope, model, capacity);
    this.#layers = new Map(
      model.modules.flatMap(({ mixer, layer }) => {
        if (mixer.kind !== 'attention') return [];
        const shape = [capacity, mixer.k.n];
        const k = scope.alloc(shape, `keys of layer ${layer}`);
        return [[layer, { k, v: scope.alloc(shape, `values of layer ${layer}`) }] as const];
      }),
    );
  }

  get past(): number {
    return this.#past;
  }

  /** To run the next `tokens` tokens with. */
  context(tokens: number): ForwardContext {
    assert(
      this.#past + tokens <= this.capacity,
      `${this.#past} + ${tokens} tokens in a cache of ${this.capacity}`,
    );
    return { ...this.#base, length: tokens, cache: this };
  }

  extend(layer: number, k: GpuTensor, v: GpuTensor): readonly [GpuTensor, GpuTensor] {
    const cached = this.#layers.get(layer)!;
    const start = this.#past * cached.k.shape[1]! * 4;
    this.#gpu.copyPart(k, 0, cached.k, start, k.size);
    this.#gpu.copyPart(v, 0, cached.v, start, v.size);
    return [cached.k, cached.v];
  }

  /** Forgets all but the first `tokens`. */
  rewind(tokens: number): void {
    assert(tokens <= this.#past, `${tokens} of ${this.#past} tokens`);
    this.#past = tokens;
  }

  /** To be called when `tokens` tokens have gone through all layers. */
  advance(tokens: number): void {
    this.#past += tokens;
  }
}
