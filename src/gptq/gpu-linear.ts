import type { Group } from '../exl2/params.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { dequantize } from '../kernels/pack/dequantize.ts';

/** A quantized weight on the GPU: codes and scales, not yet packed. Rows are in act-order. */
export interface GpuLinear {
  readonly k: number;
  /** Padded to a multiple of 32. */
  readonly n: number;
  readonly groups: readonly Group[];
  /** (k/4, n) u32, four rows to a word. */
  readonly codes: GpuTensor;
  /** (groups of all candidates, n) u32, 1…16. */
  readonly scaleCodes: GpuTensor;
  /** (groups of all candidates) u32, half bits. */
  readonly scaleMax: GpuTensor;
  /** Which of those groups is this linear's first. */
  readonly firstGroup: number;
  /** (k) u32, group · 16 + bits, groups counted over all candidates. */
  readonly rows: GpuTensor;
  /** (k) u32, input feature of each row. */
  readonly perm: GpuTensor;
}

/** The `rows` table of {@link GpuLinear}. */
export function rowTable(k: number, groups: readonly Group[], firstGroup: number): Uint32Array<ArrayBuffer> {
  const rows = new Uint32Array(k);
  groups.forEach(({ bits, start, end }, i) => {
    rows.fill((firstGroup + i) * 16 + bits, start, end);
  });
  return rows;
}

/** Writes the weights (k, n) f32, in input-feature order, into `w`. */
export function dequantizeInto(gpu: Gpu, linear: GpuLinear, w: GpuTensor): void {
  const { k, n, codes, scaleCodes, scaleMax, rows, perm } = linear;
  gpu.run(dequantize, { k, n, codes, scaleCodes, scaleMax, rows, perm, w });
}
