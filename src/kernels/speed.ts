import type { Gpu } from '../gpu/gpu.ts';
import { withScope } from '../gpu/scope.ts';
import { OutOfMemoryError } from '../util/errors.ts';
import { differenceOfGrams, differenceOfProducts } from './agreement.ts';
import { blockUpdate } from './gptq/block_update.ts';
import { blockUpdateTiled } from './gptq/block_update_tiled.ts';
import { gemm, gemmMixed } from './linalg/gemm.ts';
import { gemmMatrix } from './linalg/gemm_matrix.ts';
import { gemmTiled } from './linalg/gemm_tiled.ts';
import { GEMM_WIDE_STORAGE, gemmWide } from './linalg/gemm_wide.ts';
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
  gpu.dispatchFlops = DISPATCH_SECONDS * Math.max(...Object.values(rates));
  if (rates.tiled < rates.plain) return;
  for (const product of [gemm, gemmMixed]) {
    gpu.prefer(product, gemmTiled);
    if (rates.wide > rates.tiled) gpu.prefer(product, gemmWide, hasManyTiles);
  }
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

/** Enough tiles of 256 × 128 to keep all of a large GPU busy. */
const hasManyTiles = ({ m, n }: { m: number; n: number }): boolean =>
  Math.ceil(m / 256) * Math.ceil(n / 128) >= 256;

/** Whole matrices of the matrix units. */
const isWhole = (size: number): boolean => size % 16 === 0;

/** Largest error of a product, relative to its largest element: rounding to half precision makes about 2e-4. */
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

/** Floating-point operations per second of the f32 products; none where the adapter computes on the CPU. */
async function measureProducts(gpu: Gpu) {
  try {
    const plain = await measureFlops(gpu, gemm);
    if (plain < GPU_FLOPS) return;
    const tiled = await measureFlops(gpu, gemmTiled);
    const fits = gpu.device.limits.maxComputeWorkgroupStorageSize >= GEMM_WIDE_STORAGE;
    return { plain, tiled, wide: fits ? await measureFlops(gpu, gemmWide) : 0 };
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
