import type { Gpu } from './gpu.ts';
import type { GpuTensor } from './tensor.ts';

/** Tensors that are freed together when the work that needs them ends, however it ends. */
export class Scope {
  readonly #gpu: Gpu;
  readonly #tensors = new Set<GpuTensor>();

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  alloc(shape: readonly number[], label: string): GpuTensor {
    const tensor = this.#gpu.alloc(shape, label);
    this.#tensors.add(tensor);
    return tensor;
  }

  /** A tensor with these contents. */
  upload(
    data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer>,
    label: string,
  ): GpuTensor {
    const tensor = this.alloc([data.length], label);
    this.#gpu.write(tensor, data);
    return tensor;
  }

  /** Frees one tensor early. */
  free(tensor: GpuTensor): void {
    if (this.#tensors.delete(tensor)) this.#gpu.free(tensor);
  }

  /** Takes `tensor` out of the scope: the caller frees it. */
  keep(tensor: GpuTensor): GpuTensor {
    this.#tensors.delete(tensor);
    return tensor;
  }

  /** Takes over a tensor that another scope has kept. */
  adopt(tensor: GpuTensor): GpuTensor {
    this.#tensors.add(tensor);
    return tensor;
  }

  freeAll(): void {
    for (const tensor of this.#tensors) this.#gpu.free(tensor);
    this.#tensors.clear();
  }
}

/** Runs `work` with a scope that is freed at the end. */
export async function withScope<T>(gpu: Gpu, work: (scope: Scope) => Promise<T> | T): Promise<T> {
  const scope = new Scope(gpu);
  try {
    return await work(scope);
  } finally {
    scope.freeAll();
  }
}
