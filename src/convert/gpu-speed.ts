import type { Gpu } from '../gpu/gpu.ts';
import { withScope } from '../gpu/scope.ts';
import { gemm } from '../kernels/linalg/gemm.ts';

/** Sides of the square products; the first only makes the pipeline and wakes the GPU. */
const SIDES = [256, 256, 512, 1024, 2048];
/** A measurement of this length is long enough, and software adapters need it for the smallest product. */
const ENOUGH_SECONDS = 0.05;
const MOST_PRODUCTS = 100;

/** Floating-point operations per second of f32 matrix products on this GPU. Takes less than a second. */
export async function measureFlops(gpu: Gpu): Promise<number> {
  let rate = 0;
  for (const [i, side] of SIDES.entries()) {
    const single = await timeProducts(gpu, side, 1);
    rate = (2 * side ** 3) / single;
    if (i > 0 && single >= ENOUGH_SECONDS) return rate;
  }
  const side = SIDES.at(-1)!;
  const count = Math.min(MOST_PRODUCTS, Math.ceil((ENOUGH_SECONDS * rate) / (2 * side ** 3)));
  return (count * 2 * side ** 3) / (await timeProducts(gpu, side, count));
}

/** Seconds that `count` products of (side, side) matrices take together. */
function timeProducts(gpu: Gpu, side: number, count: number): Promise<number> {
  return withScope(gpu, async (scope) => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => scope.alloc([side, side], name));
    for (const tensor of [a!, b!]) gpu.zero(tensor);
    await gpu.sync();
    const started = performance.now();
    for (let i = 0; i < count; i++) {
      gpu.run(gemm, { m: side, n: side, k: side, accumulate: 0, a: a!, b: b!, c: c! });
    }
    await gpu.sync();
    return (performance.now() - started) / 1000;
  });
}
