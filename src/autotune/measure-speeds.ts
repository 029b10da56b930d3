/** How fast the forms of the matrix product are on a GPU. */

import { withEnoughMemory } from '../gpu/enough-memory.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { withScope } from '../gpu/scope.ts';
import { gemm } from '../kernels/gemm/gemm.ts';
import { gemmSubgroupMatrix } from '../kernels/gemm/gemm_subgroup_matrix.ts';
import { gemmTiled } from '../kernels/gemm/gemm_tiled.ts';
import { GEMM_WIDE_STORAGE, gemmWide } from '../kernels/gemm/gemm_wide.ts';
import { OutOfMemoryError } from '../util/errors.ts';

/** Floating-point operations per second of each form; 0: not there, not right here, or not worth a trial. */
export interface Speeds {
  readonly plain: number;
  readonly tiled: number;
  readonly wide: number;
  /** On matrix units, which round the factors to half precision. */
  readonly subgroupMatrix: number;
}

/** Of the fastest product in f32. */
export const f32Speed = ({ plain, tiled, wide }: Speeds): number => Math.max(plain, tiled, wide);

/** Of the products that do most of the work; where memory does not suffice to tell, as slow as can be. */
export const productSpeed = (speeds: Speeds | undefined): number =>
  speeds ? Math.max(f32Speed(speeds), speeds.subgroupMatrix) : 1;

/** Sides of the square products; the first only makes the pipeline and wakes the GPU. */
const SIDES = [256, 256, 512, 1024, 2048];
/** A measurement of this length is long enough, and software adapters need it for the smallest product. */
const ENOUGH_SECONDS = 0.05;
const MOST_PRODUCTS = 100;
/** Of a browser's clock; it may show no time at all for a single product. */
const CLOCK_STEP_SECONDS = 1e-4;
/** Of several the fastest counts: what else the GPU or the machine does makes some slower, and none faster. */
const ROUNDS = 3;

/**
 * Slower than this, the adapter computes on the CPU: workgroup memory is then ordinary memory behind costly barriers
 * (on SwiftShader the tiled product takes 3.5 times as long), and trying it would take seconds.
 */
const GPU_FLOPS = 2e10;

/**
 * The speeds of this GPU; of matrix units where these can be used. Takes less than a second.
 * @returns undefined where memory does not suffice: a conversion may get by with less.
 */
export async function measureSpeeds(gpu: Gpu, matrixUnits: boolean): Promise<Speeds | undefined> {
  try {
    return await withEnoughMemory(gpu, { what: 'the trial of its speed' }, () =>
      measureAll(gpu, matrixUnits),
    );
  } catch (error) {
    if (error instanceof OutOfMemoryError) return undefined;
    throw error;
  } finally {
    gpu.memory.trim();
  }
}

async function measureAll(gpu: Gpu, matrixUnits: boolean): Promise<Speeds> {
  const plain = await measureFlops(gpu, gemm);
  const tiled = plain < GPU_FLOPS ? 0 : await measureFlops(gpu, gemmTiled);
  if (tiled < plain) return { plain, tiled, wide: 0, subgroupMatrix: 0 };
  const fits = gpu.device.limits.maxComputeWorkgroupStorageSize >= GEMM_WIDE_STORAGE;
  const wide = fits ? await measureFlops(gpu, gemmWide) : 0;
  const subgroupMatrix = matrixUnits ? await measureFlops(gpu, gemmSubgroupMatrix) : 0;
  return { plain, tiled, wide, subgroupMatrix };
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
  rate = 0;
  for (let round = 0; round < ROUNDS; round++) {
    rate = Math.max(rate, (count * 2 * side ** 3) / (await timeProducts(gpu, product, side, count)));
  }
  return rate;
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
    return Math.max(CLOCK_STEP_SECONDS, (performance.now() - started) / 1000);
  });
}
