import type { Gpu } from '../../gpu/gpu.ts';
import { inParts, rowsOf } from '../../gpu/parts.ts';
import type { Scope } from '../../gpu/scope.ts';
import type { GpuTensor } from '../../gpu/tensor.ts';
import { gemm, gemmMixed } from '../../kernels/gemm/gemm.ts';
import { gemv } from '../../kernels/gemm/gemv.ts';
import { gatherColumns } from '../../kernels/packed_gemm/gather_columns.ts';
import { packedGemm } from '../../kernels/packed_gemm/packed_gemm.ts';
import { packedGemv } from '../../kernels/packed_gemm/packed_gemv.ts';
import type { PackedWeight } from './packed-weight.ts';
import type { LinearWeight } from './weights.ts';

/** A linear as it is multiplied by: f32 weights, or packed ones. */
export type AnyLinear = LinearWeight | PackedWeight;

/** Up to so many rows the kernels for few rows are faster: they share out k, and large tiles would be mostly empty. */
const FEW_ROWS = 8;

/** How a product goes about it. */
export interface ProductOptions {
  /** Add to what y holds. */
  readonly accumulate: boolean;
  /** x may be rounded to half precision, which holds all its values, and W too. */
  readonly mixed: boolean;
}

/** y (m, n) = x (m, k)·W. */
export function multiply(
  gpu: Gpu,
  scope: Scope,
  x: GpuTensor,
  linear: AnyLinear,
  y: GpuTensor,
  { accumulate, mixed }: ProductOptions,
): void {
  const { k, n } = linear;
  const m = x.shape[0]!;
  const shape = { m, n, k, accumulate: accumulate ? 1 : 0 };
  if ('w' in linear) {
    if (m <= FEW_ROWS) gpu.run(gemv, { ...shape, a: x, b: linear.w, c: y });
    else {
      inParts(gpu, m, 2 * n * k, (start, count) => {
        const part = { a: rowsOf(x, start, count), b: linear.w, c: rowsOf(y, start, count) };
        gpu.run(mixed ? gemmMixed : gemm, { ...shape, m: count, ...part });
      });
    }
    return;
  }
  const { perm, chunks, scales, packed } = linear;
  if (m <= FEW_ROWS) {
    gpu.run(packedGemv, { ...shape, x, perm, chunks, scales, packed, y });
    return;
  }
  const ordered = scope.alloc([m, k], 'input in act-order');
  gpu.run(gatherColumns, { m, k, x, perm, y: ordered });
  inParts(gpu, m, 2 * n * k, (start, count) => {
    const part = { x: rowsOf(ordered, start, count), y: rowsOf(y, start, count) };
    gpu.run(packedGemm, { ...shape, m: count, chunks, scales, packed, ...part });
  });
  scope.free(ordered);
}
