import type { Gpu } from '../../gpu/gpu.ts';
import type { Scope } from '../../gpu/scope.ts';
import type { GpuTensor } from '../../gpu/tensor.ts';
import { seededRandom } from '../../util/random.ts';

/** Of a layer of hidden size 4096 and MLP size 14336, or a fraction of it. */
export interface Sizes {
  readonly tokens: number;
  readonly hidden: number;
  readonly mlp: number;
  readonly heads: number;
  readonly kvHeads: number;
}

const FULL: Sizes = { tokens: 2048, hidden: 4096, mlp: 14336, heads: 32, kvHeads: 8 };
/** What all sizes are divided by, the smallest first; features stay multiples of 32. */
export const DIVISORS = [32, 16, 8, 4, 2, 1];

export function sizesOver(divisor: number): Sizes {
  const over = (value: number) => Math.max(1, value / divisor);
  const { tokens, hidden, mlp, heads, kvHeads } = FULL;
  return {
    ...{ tokens: over(tokens), hidden: over(hidden), mlp: over(mlp) },
    ...{ heads: over(heads), kvHeads: over(kvHeads) },
  };
}

const BLOCK_ELEMENTS = 2 ** 20;

/** Makes the tensors that a kernel is tried on. */
export class KernelInputs {
  readonly #gpu: Gpu;
  readonly #scope: Scope;
  readonly sizes: Sizes;
  readonly #block: GpuTensor;

  constructor(gpu: Gpu, scope: Scope, sizes: Sizes) {
    this.#gpu = gpu;
    this.#scope = scope;
    this.sizes = sizes;
    const random = seededRandom(1);
    const values = Float32Array.from({ length: BLOCK_ELEMENTS }, () => 0.5 + random());
    this.#block = scope.upload(values, 'random numbers');
  }

  /** f32 from 0.5 to 1.5: no kernel meets a zero, and products draw as much power as real ones. */
  random(...shape: number[]): GpuTensor {
    const tensor = this.#scope.alloc(shape, 'random input');
    for (let at = 0; at < tensor.size; at += this.#block.size) {
      const bytes = Math.min(this.#block.size, tensor.size - at);
      this.#gpu.copyPart(this.#block, 0, tensor, at, bytes);
    }
    return tensor;
  }

  /** Not filled: only written, or its values change nothing. */
  empty(...shape: number[]): GpuTensor {
    return this.#scope.alloc(shape, 'output');
  }

  words(values: Iterable<number>): GpuTensor {
    return this.#scope.upload(Uint32Array.from(values), 'table');
  }
}
