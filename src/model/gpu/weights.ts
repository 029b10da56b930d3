import { padColumns } from '../../exl2/packed-linear.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import type { WeightSlice } from '../../gpu/matrix/weight-slice.ts';
import { type Scope, withScope } from '../../gpu/scope.ts';
import type { GpuTensor } from '../../gpu/tensor.ts';
import type { TensorSource } from '../../io/model/tensor-source.ts';
import { elementCount } from '../../tensor/dtype.ts';
import { UnsupportedError } from '../../util/errors.ts';
import { normsOf, routerOf, rowsFrom, weightShape } from '../plan.ts';
import type { LinearSpec, ModuleSpec, NormSpec } from '../spec.ts';
import { columnSlices, type Range } from './column-slices.ts';
import { expandSlice, type StoredSlice, storeSlice } from './stored-slice.ts';

/** A linear on the GPU, ready for y = x·w. */
export interface LinearWeight {
  readonly k: number;
  /** Columns: out_features padded to a multiple of 32. */
  readonly n: number;
  /** In slices of its columns: one, where a buffer can hold it. */
  readonly slices: readonly WeightSlice[];
  /** (n) f32, padded with zeros. */
  readonly bias: GpuTensor | undefined;
}

/** A norm with its weight, (size) or (heads, size) f32. */
export interface NormWeight extends NormSpec {
  readonly w: GpuTensor;
  /** Of a layer norm, likewise. */
  readonly b: GpuTensor | undefined;
}

/**
 * Streams a weight from its file to the GPU and turns it there as it is used.
 * @param columns only these out_features.
 * @param bytes of a slice at most.
 */
export async function loadLinear(
  gpu: Gpu,
  scope: Scope,
  source: TensorSource,
  linear: LinearSpec,
  columns: Range = { start: 0, end: linear.n },
  bytes = gpu.memory.largestBuffer,
): Promise<LinearWeight> {
  const { k } = linear;
  const slices: WeightSlice[] = [];
  for (const { start, end } of columnSlices(columns.end - columns.start, k * 4, bytes)) {
    const own = { start: columns.start + start, end: columns.start + end };
    slices.push(await loadSlice(gpu, scope, source, linear, own));
  }
  const n = padColumns(columns.end - columns.start);
  return { k, n, slices, bias: await loadBias(scope, source, linear, columns, n) };
}

/** A linear on the GPU as its file has it, in the slices that it is multiplied in. */
export interface StoredLinear {
  readonly linear: LinearSpec;
  readonly slices: readonly StoredSlice[];
  readonly bias: GpuTensor | undefined;
}

/** As {@link loadLinear}, but leaves the weight as it lies in its file, mostly with 16 bits. */
export async function storeLinear(
  gpu: Gpu,
  scope: Scope,
  source: TensorSource,
  linear: LinearSpec,
  columns: Range = { start: 0, end: linear.n },
): Promise<StoredLinear> {
  const { start: first, end: last } = columns;
  const slices: StoredSlice[] = [];
  for (const { start, end } of columnSlices(last - first, linear.k * 4, gpu.memory.largestBuffer))
    slices.push(await storeSlice(gpu, scope, source, linear, { start: first + start, end: first + end }));
  return { linear, slices, bias: await loadBias(scope, source, linear, columns, padColumns(last - first)) };
}

/** The weight as it is multiplied by: the same as loaded from the file. */
export function expandLinear(gpu: Gpu, scope: Scope, { linear, slices, bias }: StoredLinear): LinearWeight {
  const expanded = slices.map((slice) => expandSlice(gpu, scope, linear, slice));
  return { k: linear.k, n: expanded.reduce((sum, { n }) => sum + n, 0), slices: expanded, bias };
}

const loadSlice = (
  gpu: Gpu,
  scope: Scope,
  source: TensorSource,
  linear: LinearSpec,
  columns: Range,
): Promise<WeightSlice> =>
  withScope(gpu, async (temporary) =>
    expandSlice(gpu, scope, linear, await storeSlice(gpu, temporary, source, linear, columns)),
  );

/** The bias of these columns, padded with zeros to `n`. */
async function loadBias(
  scope: Scope,
  source: TensorSource,
  linear: LinearSpec,
  { start, end }: Range,
  n: number,
): Promise<GpuTensor | undefined> {
  const { bias } = linear;
  if (bias === undefined) return undefined;
  const { data } = await source.readFloat(bias);
  const padded = new Float32Array(n);
  for (let row = start; row < end; ) {
    const { first, count } = rowsFrom(linear, row, end - row);
    padded.set(data.subarray(first, first + count), row - start);
    row += count;
  }
  return scope.upload(padded, bias);
}

/** f32 bytes of a head that are kept in one buffer; a wider one is cut into slices of the vocabulary. */
const HEAD_SLICE_BYTES = 2 ** 29;

/** The same, on a GPU whose buffers may be smaller. */
export const headSliceBytes = ({ memory }: Gpu): number => Math.min(HEAD_SLICE_BYTES, memory.largestBuffer);

/** The vocabulary of a head in slices. */
export const headSlices = ({ k, n }: Pick<LinearSpec, 'k' | 'n'>, bytes = HEAD_SLICE_BYTES): Range[] =>
  columnSlices(n, k * 4, bytes);

/** Each slice of a head as one for a part of the vocabulary; heads have no bias. */
export const asHeads = ({ k, slices }: LinearWeight): LinearWeight[] =>
  slices.map((slice) => ({ k, n: slice.n, slices: [slice], bias: undefined }));

/** Frees a weight of `scope`; its bias stays. */
export function freeWeight(scope: Scope, { slices }: Pick<LinearWeight, 'slices'>): void {
  for (const { w } of slices) scope.free(w);
}

/**
 * The large tensors of a module, worth reading ahead; none of none. Only those that it needs the whole of: where all
 * experts' weights lie in one, each module would read and hold all of them for the sake of its few.
 */
export function weightNames(module: ModuleSpec | undefined): string[] {
  const own = new Map<string, number>();
  for (const { weight, k, n } of module?.linears ?? []) own.set(weight, (own.get(weight) ?? 0) + k * n);
  const isOwn = (linear: LinearSpec) => own.get(linear.weight) === elementCount(weightShape(linear));
  return [...new Set(module?.linears.filter(isOwn).map(({ weight }) => weight))];
}

/** All linears of a module, its router among them, by name. */
export async function loadLinears(
  gpu: Gpu,
  scope: Scope,
  source: TensorSource,
  module: ModuleSpec,
): Promise<Map<string, LinearWeight>> {
  const linears = new Map<string, LinearWeight>();
  for (const linear of [...routerOf(module), ...module.linears])
    linears.set(linear.name, await loadLinear(gpu, scope, source, linear));
  return linears;
}

/**
 * The weight of a norm with its offset, (size) or (heads, size) f32. Where heads are normed alike, EXL2 models have it once per head, (heads,
 * size), which says the same.
 * @throws UnsupportedError where they differ though heads have none of their own.
 */
async function loadNormWeight(
  scope: Scope,
  source: TensorSource,
  { weight, size, heads, offset }: NormSpec,
): Promise<GpuTensor> {
  const { data } = await source.readFloat(weight);
  if (heads === undefined && data.some((value, i) => value !== data[i % size])) {
    throw new UnsupportedError(
      `${weight} has norms that differ from head to head, which no model of this architecture has.`,
    );
  }
  return scope.upload(
    Float32Array.from(data.subarray(0, (heads ?? 1) * size), (value) => value + offset),
    weight,
  );
}

export const loadNorm = async (scope: Scope, source: TensorSource, norm: NormSpec): Promise<NormWeight> => ({
  ...norm,
  w: await loadNormWeight(scope, source, norm),
  b: norm.kind === 'rms' ? undefined : await loadNormBias(scope, source, norm),
});

/** Zeros where a layer norm has none. */
async function loadNormBias(
  scope: Scope,
  source: TensorSource,
  { key, bias, size, heads = 1 }: NormSpec,
): Promise<GpuTensor> {
  const values = bias === undefined ? new Float32Array(heads * size) : (await source.readFloat(bias)).data;
  return scope.upload(Float32Array.from(values), `${key}.bias`);
}

/** All norms of a module, by the names of their weights. */
export async function loadNorms(
  scope: Scope,
  source: TensorSource,
  module: ModuleSpec,
): Promise<Map<string, NormWeight>> {
  const norms = new Map<string, NormWeight>();
  for (const norm of normsOf(module)) norms.set(norm.weight, await loadNorm(scope, source, norm));
  return norms;
}
