import type { Gpu } from '../gpu/gpu.ts';
import type { WeightSlice } from '../gpu/matrix/weight-slice.ts';
import { withScope } from '../gpu/scope.ts';
import { view } from '../gpu/tensor.ts';
import { descentSweep } from '../kernels/descent/descent_sweep.ts';
import { residual } from '../kernels/descent/residual.ts';
import { gemm } from '../kernels/gemm/gemm.ts';
import { gemmSplitK, splitOf } from '../kernels/gemm/gemm_split_k.ts';
import { gemmTiled } from '../kernels/gemm/gemm_tiled.ts';
import { sumParts } from '../kernels/gemm/sum_parts.ts';
import { assert } from '../util/errors.ts';
import { type HessianFactor, hessianRows } from './factor.ts';
import type { GpuLinear } from './gpu-linear.ts';

/** Rows whose codes are changed between two products with the Hessian. */
export const DESCENT_ROWS = 128;

/**
 * Improves the codes of a quantized weight in place, its scales fixed: coordinate descent on tr(DᵀHD) with the damped
 * Hessian, `passes` times over all rows. The quantizer's sweep never returns to a row; this does. The loss never rises.
 * @param slices the weight, and `linears` what the quantizer made of each slice.
 */
export async function descend(
  gpu: Gpu,
  { k, hessian }: HessianFactor,
  slices: readonly WeightSlice[],
  linears: readonly GpuLinear[],
  passes: number,
): Promise<void> {
  assert(hessian, 'descent needs the Hessian beside its factor');
  for (const [i, linear] of linears.entries()) {
    await withScope(gpu, async (scope) => {
      const { n } = linear;
      const d = scope.alloc([k, n], 'change of the weight');
      const rows = Math.min(DESCENT_ROWS, k);
      const gradient = scope.alloc([rows, n], 'gradient');
      const h = scope.alloc([rows, k], 'rows of the Hessian');
      const split = splitOf(rows, n, k);
      const { parts } = split;
      // Blocks have few tiles: where products are tiled, they are split along k.
      const isSplit = parts > 1 && gpu.prefers(gemm, gemmTiled);
      const partial = isSplit ? scope.alloc([parts, rows, n], 'parts of the gradient') : undefined;
      gpu.run(residual, { ...linear, w: slices[i]!.w, d });
      for (let pass = 0; pass < passes; pass++) {
        for (let start = 0; start < k; start += DESCENT_ROWS) {
          const end = Math.min(start + DESCENT_ROWS, k);
          const m = end - start;
          const a = view(h, 0, [m, k]);
          hessianRows(gpu, hessian, linear.perm, start, a);
          if (partial) {
            gpu.run(gemmSplitK, { m, n, k, ...split, a, b: d, c: partial });
            gpu.run(sumParts, { count: m * n, parts, x: partial, y: gradient });
          } else gpu.run(gemm, { m, n, k, accumulate: 0, a, b: d, c: gradient });
          gpu.run(descentSweep, { ...linear, start, end, h: a, gradient, d });
        }
        await gpu.sync();
      }
    });
  }
}
