import flat from '../../../shaders/lib/flat.wgsl?raw';
import wgsl from '../../../shaders/row_sums/sum_squares.wgsl?raw';
import type { Gpu } from '../../gpu/gpu.ts';
import { defineKernel } from '../../gpu/kernel.ts';
import type { Scope } from '../../gpu/scope.ts';
import type { GpuTensor } from '../../gpu/tensor.ts';

/** Partial sums of the squares of each row: sums (rows, parts), parts = ceil(count / 4096). */
export const sumSquares = defineKernel({
  name: 'sum_squares',
  wgsl: [flat, wgsl],
  scalars: { rows: 'u32', count: 'u32', parts: 'u32' },
  inputs: { x: 'f32' },
  outputs: { sums: 'f32' },
  workgroups: ({ rows, parts }) => [parts * rows],
});

/** Elements of a row that one workgroup of the kernel sums. */
const PART = 4096;

const partsOf = (count: number): number => Math.ceil(count / PART);

/** Bytes of the sums of one row of `count` elements. */
export const rowSquareBytes = (count: number): number => partsOf(count) * 4;

/** Records the sum of squares of every row of `x` (rows, …) f32; read them with {@link readRowSquares}. */
export function recordRowSquares(gpu: Gpu, scope: Scope, x: GpuTensor, rows: number): GpuTensor {
  const count = x.size / 4 / rows;
  const parts = partsOf(count);
  const sums = scope.alloc([rows, parts], 'sums of squares');
  gpu.run(sumSquares, { rows, count, parts, x, sums });
  return sums;
}

/** The sum of squares of each row. */
export async function readRowSquares(gpu: Gpu, sums: GpuTensor): Promise<number[]> {
  const [rows, parts] = sums.shape as [number, number];
  const values = new Float32Array(await gpu.read(sums));
  return Array.from({ length: rows }, (_, row) => {
    let square = 0;
    for (let part = 0; part < parts; part++) square += values[row * parts + part]!;
    return square;
  });
}
