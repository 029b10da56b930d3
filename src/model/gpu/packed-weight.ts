import { chunkTable } from '../../exl2/chunk-table.ts';
import { takeColumns } from '../../exl2/packed-columns.ts';
import type { PackedLinear } from '../../exl2/packed-linear.ts';
import { invertPermutation } from '../../exl2/packing.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import type { Scope } from '../../gpu/scope.ts';
import type { GpuTensor } from '../../gpu/tensor.ts';
import { columnSlices } from './column-slices.ts';

/** Columns of a packed weight. */
export interface PackedSlice {
  /** A multiple of 32. */
  readonly n: number;
  /** (packed rows, n) u32: q_weight. */
  readonly weight: GpuTensor;
  /** (groups, n/8) u32: q_scale. */
  readonly scales: GpuTensor;
}

/** A quantized linear on the GPU as EXL2 packs it, for y = x·W; the kernels decode it while they multiply. */
export interface PackedWeight {
  readonly k: number;
  /** Padded to a multiple of 32; padded columns are zero. */
  readonly n: number;
  /** In slices of its columns: one, where a buffer can hold it. */
  readonly packed: readonly PackedSlice[];
  /** (k/32, 4) u32, see shaders/lib/packed.wgsl. */
  readonly chunks: GpuTensor;
  /** (k) u32: input feature of each packed row. */
  readonly perm: GpuTensor;
  /** (n) f32, padded with zeros. */
  readonly bias: GpuTensor | undefined;
}

/** Uploads a packed linear; the tensors belong to `scope`. `bias` (n). Throws InputError when it is damaged. */
export function uploadPackedWeight(
  gpu: Gpu,
  scope: Scope,
  key: string,
  packed: PackedLinear,
  bias: Float32Array | undefined,
): PackedWeight {
  const { k, n, qInvPerm } = packed;
  const columnBytes = (packed.qWeight.length / n) * 4;
  const slices = columnSlices(n, columnBytes, gpu.memory.largestBuffer).map(({ start, end }): PackedSlice => {
    const { qWeight, qScale } = takeColumns(packed, start, end);
    const weight = scope.upload(owned(qWeight), `${key}.q_weight`);
    return { n: end - start, weight, scales: scope.upload(owned(qScale), `${key}.q_scale`) };
  });
  return {
    k,
    n,
    packed: slices,
    chunks: scope.upload(chunkTable(key, packed), `chunks of ${key}`),
    perm: scope.upload(invertPermutation(qInvPerm), `act-order of ${key}`),
    bias: bias && scope.upload(Float32Array.from(bias), `${key}.bias`),
  };
}

/** The same words; the array types of packed linears do not say what buffer they lie in. */
const owned = (words: Uint32Array): Uint32Array<ArrayBuffer> => words as Uint32Array<ArrayBuffer>;
