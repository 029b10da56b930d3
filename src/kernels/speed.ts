import type { Gpu } from '../gpu/gpu.ts';
import { withScope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { OutOfMemoryError } from '../util/errors.ts';
import { seededRandom } from '../util/random.ts';
import { blockUpdate } from './gptq/block_update.ts';
import { blockUpdateTiled } from './gptq/block_update_tiled.ts';
import { gemm, gemmMixed } from './linalg/gemm.ts';
import { gemmMatrix } from './linalg/gemm_matrix.ts';
import { gemmTiled } from './linalg/gemm_tiled.ts';
import { gram, gramMixed } from './linalg/gram.ts';
import { gramMatrix } from './linalg/gram_matrix.ts';
import { gramTiled } from './linalg/gram_tiled.ts';
import { triangularInverse } from './linalg/triangular_inverse.ts';
import { triangularInverseTiled } from './linalg/triangular_inverse_tiled.ts';
import { attention } from './model/attention.ts';
import { attentionTiled } from './model/attention_tiled.ts';

/** Sides of the square products; the first only makes the pipeline and wakes the GPU. */
const SIDES = [256, 256, 512, 1024, 2048];
/** A measurement of this length is long enough, and software adapters need it for the smallest product. */
const ENOUGH_SECONDS = 0.05;
const MOST_PRODUCTS = 100;

/**
 * Slower than this, the adapter computes on the CPU: workgroup memory is then ordinary memory behind costly barriers
 * (on SwiftShader the tiled product takes 3.5 times as long), and trying it would take seconds.
 */
const GPU_FLOPS = 2e10;

/** Tiled attention makes 64 queries at a time; for fewer than this, as in generation, the plain one does less. */
const TILED_QUERIES = 16;

/** `mixed`: products of activations may round their factors to half precision where that is faster. */
export type Precision = 'f32' | 'mixed';

/** Longest time that a dispatch should take. */
const DISPATCH_SECONDS = 0.1;

/** Takes the forms of the matrix and attention kernels that are faster on this GPU, by a short measurement. */
export async function chooseVariants(gpu: Gpu, precision: Precision): Promise<void> {
  const rates = await measureProducts(gpu);
  if (!rates) return;
  gpu.dispatchFlops = DISPATCH_SECONDS * Math.max(rates.plain, rates.tiled);
  if (rates.tiled < rates.plain) return;
  gpu.prefer(gemm, gemmTiled);
  gpu.prefer(gemmMixed, gemmTiled);
  gpu.prefer(gram, gramTiled);
  gpu.prefer(gramMixed, gramTiled);
  if (await useMatrixUnits(gpu, precision)) {
    gpu.prefer(gemmMixed, gemmMatrix, ({ m, n, k }) => [m, n, k].every(isWhole));
    gpu.prefer(gramMixed, gramMatrix, ({ m, k }) => [m, k].every(isWhole));
  }
  gpu.prefer(blockUpdate, blockUpdateTiled);
  gpu.prefer(triangularInverse.first, triangularInverseTiled.first);
  gpu.prefer(triangularInverse.second, triangularInverseTiled.second);
  for (const widest of [256, 128, 64] as const) {
    gpu.prefer(attention, attentionTiled[widest], ({ length, d }) => length >= TILED_QUERIES && d <= widest);
  }
}

/** Whole matrices of the matrix units. */
const isWhole = (size: number): boolean => size % 16 === 0;

/** Side of the product that is compared with the exact one. */
const CHECKED_SIDE = 256;
/** Largest error of it, relative to the largest element: rounding to half precision makes about 2e-4. */
const MIXED_ERROR = 2e-3;

/** Whether matrix units are there, right (drivers for them are young) and faster. */
async function useMatrixUnits(gpu: Gpu, precision: Precision): Promise<boolean> {
  if (precision === 'f32' || !gpu.hasMatrixUnits) return false;
  if (!(await gpu.accepts(gemmMatrix)) || !(await gpu.accepts(gramMatrix))) return false;
  const differences = [
    await differenceOfProducts(gpu, gemmTiled, gemmMatrix),
    await differenceOfGrams(gpu, gramTiled, gramMatrix),
  ];
  if (!differences.every((difference) => difference <= MIXED_ERROR)) return false;
  return (await measureFlops(gpu, gemmMatrix)) > (await measureFlops(gpu, gemmTiled));
}

/** Largest difference of C + A·B of random matrices by two kernels, relative to its largest element. */
export function differenceOfProducts(gpu: Gpu, exact: typeof gemm, other: typeof gemm): Promise<number> {
  const side = CHECKED_SIDE;
  return differenceOf(gpu, [exact, other], (kernel, [a, b], c) =>
    gpu.run(kernel, { m: side, n: side, k: side, accumulate: 1, a: a!, b: b!, c }),
  );
}

/** The same of H + XᵀX; what lies above the diagonal's tiles is as it was. */
export function differenceOfGrams(gpu: Gpu, exact: typeof gram, other: typeof gram): Promise<number> {
  return differenceOf(gpu, [exact, other], (kernel, [x], h) =>
    gpu.run(kernel, { m: CHECKED_SIDE, k: CHECKED_SIDE, x: x!, h }),
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

/** Floating-point operations per second of both f32 products; none where the adapter computes on the CPU. */
async function measureProducts(gpu: Gpu): Promise<{ plain: number; tiled: number } | undefined> {
  try {
    const plain = await measureFlops(gpu, gemm);
    return plain >= GPU_FLOPS ? { plain, tiled: await measureFlops(gpu, gemmTiled) } : undefined;
  } catch (error) {
    // A conversion may get by with less memory than this measurement.
    if (error instanceof OutOfMemoryError) return;
    throw error;
  } finally {
    gpu.memory.trim();
  }
}

/** Floating-point operations per second of f32 matrix products on this GPU. Takes less than a second. */
export async function measureFlops(gpu: Gpu, product: typeof gemm = gemm): Promise<number> {
  let rate = 0;
  for (const [i, side] of SIDES.entries()) {
    const single = await timeProducts(gpu, product, side, 1);
    rate = (2 * side ** 3) / single;
    if (i > 0 && single >= ENOUGH_SECONDS) return rate;
  }
  const side = SIDES.at(-1)!;
  const count = Math.min(MOST_PRODUCTS, Math.ceil((ENOUGH_SECONDS * rate) / (2 * side ** 3)));
  return (count * 2 * side ** 3) / (await timeProducts(gpu, product, side, count));
}

/** Seconds that `count` products of (side, side) matrices take together. */
function timeProducts(gpu: Gpu, product: typeof gemm, side: number, count: number): Promise<number> {
  return withScope(gpu, async (scope) => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => scope.alloc([side, side], name));
    for (const tensor of [a!, b!]) gpu.zero(tensor);
    await gpu.sync();
    const started = performance.now();
    for (let i = 0; i < count; i++) {
      gpu.run(product, { m: side, n: side, k: side, accumulate: 0, a: a!, b: b!, c: c! });
    }
    await gpu.sync();
    return (performance.now() - started) / 1000;
  });
}
