import type { Gpu } from '../gpu/gpu.ts';
import type { Scope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { differenceNorms } from './model/difference_norms.ts';

/** Elements of a row that one workgroup of the kernel sums. */
const PART = 4096;

const partsOf = (count: number): number => Math.ceil(count / PART);

/** Bytes of the sums of one row of `count` elements. */
export const rowNormBytes = (count: number): number => partsOf(count) * 8;

/** Sums of squares over a row. */
export interface RowNorms {
  /** Σ (y − reference)² */
  readonly difference: number;
  /** Σ reference² */
  readonly power: number;
}

/** Records the sums of every row of `y` and `reference`, (rows, …) f32 alike; read them with {@link readRowNorms}. */
export function recordRowNorms(
  gpu: Gpu,
  scope: Scope,
  y: GpuTensor,
  reference: GpuTensor,
  rows: number,
): GpuTensor {
  const count = y.size / 4 / rows;
  const parts = partsOf(count);
  const sums = scope.alloc([rows, parts, 2], 'sums of squares');
  gpu.run(differenceNorms, { rows, count, parts, y, reference, sums });
  return sums;
}

export async function readRowNorms(gpu: Gpu, sums: GpuTensor): Promise<RowNorms[]> {
  const [rows, parts] = sums.shape as [number, number, number];
  const values = new Float32Array(await gpu.read(sums));
  return Array.from({ length: rows }, (_, row) => {
    let difference = 0;
    let power = 0;
    for (let part = 0; part < parts; part++) {
      difference += values[(row * parts + part) * 2]!;
      power += values[(row * parts + part) * 2 + 1]!;
    }
    return { difference, power };
  });
}
