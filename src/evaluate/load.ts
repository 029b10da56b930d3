/** Weights of a model that is to be run, onto the GPU: packed ones stay packed. */

import { takeColumns } from '../exl2/packed-columns.ts';
import { PACKED_TENSORS, type PackedLinear, padColumns, readPackedLinear } from '../exl2/packed-linear.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Scope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import type { AnyLinear } from '../model/linear.ts';
import { uploadPackedWeight } from '../model/packed-weight.ts';
import type { LinearSpec, ModuleSpec } from '../model/plan.ts';
import {
  loadLinear,
  loadLinears,
  loadNorm,
  loadNorms,
  type ModuleNorms,
  type Range,
  weightNames,
} from '../model/weights.ts';
import type { HostTensor } from '../tensor/dtype.ts';
import { at, UnsupportedError } from '../util/errors.ts';
import type { EvaluatedModel } from './open-model.ts';

/** A residual block, ready to run. */
export interface LoadedBlock {
  readonly module: ModuleSpec;
  readonly norms: ModuleNorms;
  /** By name within the module. */
  readonly linears: ReadonlyMap<string, AnyLinear>;
}

export async function loadBlock(
  gpu: Gpu,
  scope: Scope,
  { source, quantization }: EvaluatedModel,
  module: ModuleSpec,
): Promise<LoadedBlock> {
  if (!quantization) {
    const norms = await loadNorms(scope, source, module);
    return { module, norms, linears: await loadLinears(gpu, scope, source, module) };
  }
  const linears = new Map<string, AnyLinear>();
  for (const linear of module.linears) {
    const { packed, bias } = await readLinear(source, linear);
    linears.set(linear.name, uploadPackedWeight(scope, linear.key, packed, bias));
  }
  const headNorm = async (name: string | undefined) =>
    name === undefined ? undefined : loadHeadNorm(scope, source, name);
  const norms = {
    norm: await loadNorm(scope, source, module.norm),
    qNorm: await headNorm(module.qNorm),
    kNorm: await headNorm(module.kNorm),
  };
  return { module, norms, linears };
}

/** The large tensors of a block, worth reading ahead; none of none. */
export const blockTensors = ({ quantization }: EvaluatedModel, module: ModuleSpec | undefined): string[] =>
  quantization
    ? (module?.linears.flatMap(({ key }) => PACKED_TENSORS.map(([, name]) => `${key}.${name}`)) ?? [])
    : weightNames(module);

/** The head for the words of `columns`; it starts at a multiple of 32. The final norm is {@link loadFinalNorm}. */
export async function loadHeadSlice(
  gpu: Gpu,
  scope: Scope,
  { source, outline, quantization }: EvaluatedModel,
  columns: Range,
): Promise<AnyLinear> {
  const { head } = outline;
  if (!quantization) return loadLinear(gpu, scope, source, head, columns);
  const { packed } = await readLinear(source, head);
  const slice = takeColumns(packed, columns.start, padColumns(columns.end));
  return uploadPackedWeight(scope, head.key, slice, undefined);
}

export const loadFinalNorm = (scope: Scope, { source, outline }: EvaluatedModel): Promise<GpuTensor> =>
  loadNorm(scope, source, outline.finalNorm);

async function readLinear(
  source: EvaluatedModel['source'],
  { key, bias }: LinearSpec,
): Promise<{ packed: PackedLinear; bias: Float32Array | undefined }> {
  const tensors = new Map<string, HostTensor>();
  for (const [, name] of PACKED_TENSORS) tensors.set(`${key}.${name}`, await source.read(`${key}.${name}`));
  const packed = await at(source.name, () => readPackedLinear(key, (name) => tensors.get(name)));
  const values = bias === undefined ? undefined : (await source.readFloat(`${key}.bias`)).data;
  return { packed, bias: values };
}

/** The norm of every head, stored once per head: (heads, headDim), or (headDim). */
async function loadHeadNorm(
  scope: Scope,
  source: EvaluatedModel['source'],
  name: string,
): Promise<GpuTensor> {
  const { data, shape } = await source.readFloat(name);
  const width = shape.at(-1)!;
  if (data.some((value, i) => value !== data[i % width])) {
    throw new UnsupportedError(
      `${name} of ${source.name} has norms that differ from head to head, which no supported model has.`,
    );
  }
  return scope.upload(data.slice(0, width) as Float32Array<ArrayBuffer>, name);
}
