import type { Gpu } from '../../gpu/gpu.ts';
import type { WeightSlice } from '../../gpu/matrix/weight-slice.ts';
import { inParts, rowsOf } from '../../gpu/parts.ts';
import type { Scope } from '../../gpu/scope.ts';
import type { GpuTensor } from '../../gpu/tensor.ts';
import { copyColumns } from '../../kernels/elementwise/copy_columns.ts';
import { gemm, gemmMixed } from '../../kernels/gemm/gemm.ts';
import { gemv } from '../../kernels/gemm/gemv.ts';
import { gatherColumns } from '../../kernels/packed_gemm/gather_columns.ts';
import { packedGemm } from '../../kernels/packed_gemm/packed_gemm.ts';
import { packedGemv } from '../../kernels/packed_gemm/packed_gemv.ts';
import type { PackedSlice, PackedWeight } from './packed-weight.ts';
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
  options: ProductOptions,
): void {
  if (!('packed' in linear)) {
    const by = (slice: WeightSlice, part: GpuTensor) => multiplySlice(gpu, x, slice, part, options);
    eachSlice(gpu, scope, linear.slices, y, options.accumulate, by);
    return;
  }
  const { packed } = linear;
  const isFew = x.shape[0]! <= FEW_ROWS;
  const ordered = isFew ? x : scope.alloc(x.shape, 'input in act-order');
  if (!isFew) {
    const [m, k] = x.shape as [number, number];
    gpu.run(gatherColumns, { m, k, x, perm: linear.perm, y: ordered });
  }
  const by = (slice: PackedSlice, part: GpuTensor) =>
    multiplyPacked(gpu, ordered, linear, slice, part, options.accumulate);
  eachSlice(gpu, scope, packed, y, options.accumulate, by);
  if (!isFew) scope.free(ordered);
}

/** Has the columns of y (m, n) made slice by slice; several are made by themselves and put in place. */
function eachSlice<S extends { readonly n: number }>(
  gpu: Gpu,
  scope: Scope,
  slices: readonly S[],
  y: GpuTensor,
  accumulate: boolean,
  make: (slice: S, part: GpuTensor) => void,
): void {
  if (slices.length === 1) {
    make(slices[0]!, y);
    return;
  }
  const [rows, width] = y.shape as [number, number];
  let first = 0;
  for (const slice of slices) {
    const part = scope.alloc([rows, slice.n], 'columns of a product');
    const columns = slice.n;
    if (accumulate) {
      const place = { fromWidth: width, fromColumn: first, toWidth: columns, toColumn: 0 };
      gpu.run(copyColumns, { rows, columns, ...place, x: y, y: part });
    }
    make(slice, part);
    const place = { fromWidth: columns, fromColumn: 0, toWidth: width, toColumn: first };
    gpu.run(copyColumns, { rows, columns, ...place, x: part, y });
    scope.free(part);
    first += columns;
  }
}

function multiplySlice(
  gpu: Gpu,
  x: GpuTensor,
  { w, n }: WeightSlice,
  y: GpuTensor,
  { accumulate, mixed }: ProductOptions,
): void {
  const [m, k] = x.shape as [number, number];
  const shape = { m, n, k, accumulate: accumulate ? 1 : 0 };
  if (m <= FEW_ROWS) {
    gpu.run(gemv, { ...shape, a: x, b: w, c: y });
    return;
  }
  inParts(gpu, m, 2 * n * k, (start, count) => {
    const part = { a: rowsOf(x, start, count), b: w, c: rowsOf(y, start, count) };
    gpu.run(mixed ? gemmMixed : gemm, { ...shape, m: count, ...part });
  });
}

/** @param x in the weight's order where it has more than a few rows. */
function multiplyPacked(
  gpu: Gpu,
  x: GpuTensor,
  { perm, chunks }: PackedWeight,
  { n, scales, weight: packed }: PackedSlice,
  y: GpuTensor,
  accumulate: boolean,
): void {
  const [m, k] = x.shape as [number, number];
  const shape = { m, n, k, accumulate: accumulate ? 1 : 0 };
  if (m <= FEW_ROWS) {
    gpu.run(packedGemv, { ...shape, x, perm, chunks, scales, packed, y });
    return;
  }
  inParts(gpu, m, 2 * n * k, (start, count) => {
    const part = { x: rowsOf(x, start, count), y: rowsOf(y, start, count) };
    gpu.run(packedGemm, { ...shape, m: count, chunks, scales, packed, ...part });
  });
}
