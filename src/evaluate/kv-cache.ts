import type { Gpu } from '../gpu/gpu.ts';
import type { Scope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { type ForwardContext, forwardContext, type KeyValueCache } from '../model/forward.ts';
import type { ModelOutline } from '../model/plan.ts';
import { assert } from '../util/errors.ts';

/** Keys and values of all tokens of one text so far, f32, for at most `capacity` tokens. */
export class KvCache implements KeyValueCache {
  readonly capacity: number;
  readonly #gpu: Gpu;
  readonly #base: ForwardContext;
  /** (capacity, kvHeads · headDim) each, by layer. */
  readonly #layers: readonly { readonly k: GpuTensor; readonly v: GpuTensor }[];
  #past = 0;

  /** The tensors belong to `scope`. */
  constructor(gpu: Gpu, scope: Scope, { config }: ModelOutline, capacity: number) {
    this.#gpu = gpu;
    this.capacity = capacity;
    this.#base = forwardContext(gpu, scope, config, capacity);
    const shape = [capacity, config.kvHeads * config.headDim];
    this.#layers = Array.from({ length: config.layers }, (_, layer) => ({
      k: scope.alloc(shape, `keys of layer ${layer}`),
      v: scope.alloc(shape, `values of layer ${layer}`),
    }));
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
    const cached = this.#layers[layer]!;
    const start = this.#past * cached.k.shape[1]! * 4;
    this.#gpu.copyPart(k, 0, cached.k, start, k.size);
    this.#gpu.copyPart(v, 0, cached.v, start, v.size);
    return [cached.k, cached.v];
  }

  /** To be called when `tokens` tokens have gone through all layers. */
  advance(tokens: number): void {
    this.#past += tokens;
  }
}
