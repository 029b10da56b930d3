import { padColumns } from '../../exl2/packed-linear.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import type { WeightSlice } from '../../gpu/matrix/weight-slice.ts';
import type { Scope } from '../../gpu/scope.ts';
import type { GpuTensor } from '../../gpu/tensor.ts';
import { UPLOAD_BYTES } from '../../gpu/transfer/uploads.ts';
import type { TensorSource } from '../../io/model/tensor-source.ts';
import { loadTransposed } from '../../kernels/load_weight/load_transposed.ts';
import { loadWeight } from '../../kernels/load_weight/load_weight.ts';
import { normalizeColumns } from '../../kernels/load_weight/normalize_columns.ts';
import { DTYPES } from '../../tensor/dtype.ts';
import { assert } from '../../util/errors.ts';
import { rowsFrom } from '../plan.ts';
import type { LinearSpec } from '../spec.ts';
import type { Range } from './column-slices.ts';

/** Columns of a linear on the GPU as the file has them. */
export interface StoredSlice {
  readonly dtype: keyof typeof loadWeight;
  /** Columns, not padded. */
  readonly n: number;
  readonly raw: GpuTensor;
}

/** Streams columns of a weight from its file to the GPU. */
export async function storeSlice(
  gpu: Gpu,
  scope: Scope,
  source: TensorSource,
  linear: LinearSpec,
  columns: Range,
): Promise<StoredSlice> {
  const n = columns.end - columns.start;
  const { dtype } = source.requireInfo(linear.weight);
  assert(dtype === 'F32' || dtype === 'F16' || dtype === 'BF16', `${linear.weight} is ${dtype}`);
  const { bytes } = DTYPES[dtype];
  const raw = scope.alloc([(n * linear.k * bytes) / 4], `file bytes of ${linear.weight}`);
  await (linear.transposed ? uploadColumns : uploadRows)(gpu, source, linear, columns, bytes, raw);
  return { dtype, n, raw };
}

/** A slice as products take it. */
export function expandSlice(
  gpu: Gpu,
  scope: Scope,
  { weight, k, transposed, normalized }: LinearSpec,
  { dtype, n, raw }: StoredSlice,
): WeightSlice {
  const nPadded = padColumns(n);
  const w = scope.alloc([k, nPadded], weight);
  gpu.run((transposed ? loadTransposed : loadWeight)[dtype], { k, n, nPadded, source: raw, w });
  if (normalized) gpu.run(normalizeColumns, { k, n: nPadded, w });
  return { n: nPadded, w };
}

/** The linear's rows, as the file has them. @param bytes of a value. */
async function uploadRows(
  gpu: Gpu,
  source: TensorSource,
  linear: LinearSpec,
  { start: begin, end }: Range,
  bytes: number,
  raw: GpuTensor,
): Promise<void> {
  const rowBytes = linear.k * bytes;
  const most = Math.max(1, Math.floor(UPLOAD_BYTES / rowBytes));
  for (let start = begin; start < end; ) {
    const { first, count } = rowsFrom(linear, start, Math.min(most, end - start));
    const { data } = await source.readRows(linear.weight, first, first + count);
    await gpu.upload(raw, (start - begin) * rowBytes, data);
    start += count;
  }
}

/** Of a weight that the file has transposed: the linear's columns of each of its own rows. @param bytes of a value. */
async function uploadColumns(
  gpu: Gpu,
  source: TensorSource,
  linear: LinearSpec,
  { start: begin, end }: Range,
  bytes: number,
  raw: GpuTensor,
): Promise<void> {
  const { k, n, weight, part, inputs } = linear;
  const firstRow = inputs?.first ?? 0;
  const [rowBytes, fileRowBytes] = [(end - begin) * bytes, (part?.total ?? n) * bytes];
  const most = Math.max(1, Math.floor(UPLOAD_BYTES / fileRowBytes));
  for (let row = 0; row < k; row += most) {
    const { data } = await source.readRows(weight, firstRow + row, firstRow + Math.min(k, row + most));
    const rows = data.length / fileRowBytes;
    const own = new Uint8Array(rows * rowBytes);
    for (let column = begin; column < end; ) {
      const { first, count } = rowsFrom(linear, column, end - column);
      for (let i = 0; i < rows; i++) {
        const at = i * fileRowBytes + first * bytes;
        own.set(data.subarray(at, at + count * bytes), i * rowBytes + (column - begin) * bytes);
      }
      column += count;
    }
    await gpu.upload(raw, row * rowBytes, own);
  }
}
