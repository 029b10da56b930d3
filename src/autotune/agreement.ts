/** Compares variants of kernels on the device itself, as their drivers are young. */

import type { Gpu } from '../gpu/gpu.ts';
import { withScope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import type { gemm } from '../kernels/gemm/gemm.ts';
import type { gram } from '../kernels/gram/gram.ts';
import { seededRandom } from '../util/random.ts';

/** Side of the product that is compared with the exact one. */
const CHECKED_SIDE = 256;
/** Largest difference of C + A·B of random matrices by two kernels, relative to its largest element. */
export function differenceOfProducts(gpu: Gpu, exact: typeof gemm, other: typeof gemm): Promise<number> {
  const side = CHECKED_SIDE;
  return differenceOf(gpu, [exact, other], (kernel, [a, b], c) =>
    gpu.run(kernel, { m: side, n: side, k: side, accumulate: 1, a: a!, b: b!, c }),
  );
}

/** The same of the second half of the rows of H + XᵀX; what lies above the diagonal's tiles is as it was. */
export function differenceOfGrams(gpu: Gpu, exact: typeof gram, other: typeof gram): Promise<number> {
  return differenceOf(gpu, [exact, other], (kernel, [x], h) =>
    gpu.run(kernel, {
      m: CHECKED_SIDE,
      k: CHECKED_SIDE,
      start: CHECKED_SIDE / 2,
      rows: CHECKED_SIDE / 2,
      x: x!,
      h,
    }),
  );
}

function differenceOf<K>(
  gpu: Gpu,
  kernels: readonly [exact: K, other: K],
  run: (kernel: K, factors: readonly GpuTensor[], result: GpuTensor) => void,
): Promise<number> {
  const count = CHECKED_SIDE ** 2;
  const random = seededRandom(1);
  const values = () => Float32Array.from({ length: count }, () => random() - 0.5);
  return withScope(gpu, async (scope) => {
    const factors = ['a', 'b'].map((name) => scope.upload(values(), name));
    const resultOf = async (kernel: K) => {
      const result = scope.upload(new Float32Array(count).fill(1), 'result');
      run(kernel, factors, result);
      return new Float32Array(await gpu.read(result));
    };
    const [expected, actual] = [await resultOf(kernels[0]), await resultOf(kernels[1])];
    const largest = (array: Float32Array) => array.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    return largest(actual.map((x, i) => x - expected[i]!)) / largest(expected);
  });
}
