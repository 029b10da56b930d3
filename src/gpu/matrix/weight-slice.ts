import type { GpuTensor } from '../tensor.ts';

/** Columns of a weight (k, n) f32 in input-feature order, n a multiple of 32; padded columns are zero. */
export interface WeightSlice {
  readonly w: GpuTensor;
  readonly n: number;
}
