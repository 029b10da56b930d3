import type { Gpu } from '../gpu/gpu.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { triangularInverse } from '../kernels/triangular_inverse/triangular_inverse.ts';

/** Rows of the diagonal blocks whose inverses the factorization leaves. */
const BLOCK = 32;

/** A dispatch takes whole tiles of rows, */
const TILE = 128;
/** and about so many multiply-adds at most: a tenth of a second at 5 TFLOP/s. */
const MOST_PRODUCTS = 2 ** 38;

/**
 * Inverts the lower triangular l (k, k), in whose diagonal blocks of 32 rows their inverses stand already, in place.
 * What l holds right of those blocks stays as it is; the lower triangle of `work` (k, k) is overwritten.
 */
export function invertTriangle(gpu: Gpu, k: number, l: GpuTensor, work: GpuTensor): void {
  for (let side = BLOCK; side < k; side *= 2) {
    const pairs = Math.ceil((k - side) / (2 * side));
    const most = Math.min(side, k - side);
    const rows = Math.max(1, Math.floor(MOST_PRODUCTS / (pairs * side * side * TILE))) * TILE;
    for (const half of [triangularInverse.first, triangularInverse.second]) {
      for (let start = 0; start < most; start += rows) {
        gpu.run(half, { k, side, start, rows: Math.min(rows, most - start), l, u: work });
      }
    }
  }
}
