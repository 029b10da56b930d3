/** Weights of a model that is to be run, onto the GPU: packed ones stay packed. */

import { takeColumns } from '../exl2/packed-columns.ts';
import { PACKED_TENSORS, type PackedLinear, padColumns, readPackedLinear } from '../exl2/packed-linear.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Scope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import type { AnyLinear } from '../model/gpu/linear.ts';
import type { ModuleWeights } from '../model/gpu/ops.ts';
import { uploadPackedWeight } from '../model/gpu/packed-weight.ts';
import {
  loadLinear,
  loadLinears,
  loadNorm,
  loadNorms,
  loadNormWeight,
  loadVector,
  type NormWeight,
  type Range,
  weightNames,
} from '../model/gpu/weights.ts';
import { normsOf } from '../model/plan.ts';
import type { LinearSpec, ModuleSpec, NormSpec } from '../model/spec.ts';
import type { HostTensor } from '../tensor/dtype.ts';
import { at, UnsupportedError } from '../util/errors.ts';
import type { RunnableModel } from './runnable-model.ts';

/** The weights of a module, ready to run. */
export async function loadWeights(
  gpu: Gpu,
  scope: Scope,
  { source, quantization }: RunnableModel,
  module: ModuleSpec,
): Promise<ModuleWeights> {
  if (!quantization) {
    const norms = await loadNorms(scope, source, module);
    return { norms, linears: await loadLinears(gpu, scope, source, module) };
  }
  const linears = new Map<string, AnyLinear>();
  for (const linear of module.linears) {
    const { packed, bias } = await readLinear(source, linear);
    linears.set(linear.name, uploadPackedWeight(scope, linear.key, packed, bias));
  }
  const norms = new Map<string, GpuTensor>();
  for (const norm of normsOf(module)) {
    const load = isHeadNorm(module, norm)
      ? loadHeadNorm(scope, source, norm)
      : loadNormWeight(scope, source, norm);
    norms.set(norm.weight, await load);
    if (norm.bias !== undefined) norms.set(norm.bias, await loadVector(scope, source, norm.bias));
  }
  return { norms, linears };
}

/** The large tensors of a block, worth reading ahead; none of none. */
export const blockTensors = ({ quantization }: RunnableModel, module: ModuleSpec | undefined): string[] =>
  quantization
    ? (module?.linears.flatMap(({ key }) => PACKED_TENSORS.map(([, name]) => `${key}.${name}`)) ?? [])
    : weightNames(module);

/** The head for the tokens of `columns`; it starts at a multiple of 32. The final norm is {@link loadFinalNorm}. */
export async function loadHeadSlice(
  gpu: Gpu,
  scope: Scope,
  { source, outline, quantization }: RunnableModel,
  columns: Range,
): Promise<AnyLinear> {
  const { head } = outline;
  if (!quantization) return loadLinear(gpu, scope, source, head, columns);
  const { packed } = await readLinear(source, head);
  const slice = takeColumns(packed, columns.start, padColumns(columns.end));
  return uploadPackedWeight(scope, head.key, slice, undefined);
}

export const loadFinalNorm = (scope: Scope, { source, outline }: RunnableModel): Promise<NormWeight> =>
  loadNorm(scope, source, outline.finalNorm);

async function readLinear(
  source: RunnableModel['source'],
  { key, bias }: LinearSpec,
): Promise<{ packed: PackedLinear; bias: Float32Array | undefined }> {
  const tensors = new Map<string, HostTensor>();
  for (const [, name] of PACKED_TENSORS) tensors.set(`${key}.${name}`, await source.read(`${key}.${name}`));
  const packed = await at(source.name, () => readPackedLinear(key, (name) => tensors.get(name)));
  const values = bias === undefined ? undefined : (await source.readFloat(`${key}.bias`)).data;
  return { packed, bias: values };
}

const isHeadNorm = ({ mixer }: ModuleSpec, norm: NormSpec): boolean =>
  mixer.kind === 'attention' && (norm === mixer.qNorm || norm === mixer.kNorm);

/** The norm of every head, stored once per head, (heads, size), or once, (size). */
async function loadHeadNorm(
  scope: Scope,
  source: RunnableModel['source'],
  norm: NormSpec,
): Promise<GpuTensor> {
  const { weight, size } = norm;
  const { data } = await source.readFloat(weight);
  if (data.some((value, i) => value !== data[i % size])) {
    throw new UnsupportedError(
      `${weight} of ${source.name} has norms that differ from head to head, which no supported model has.`,
    );
  }
  return loadNormWeight(scope, source, norm, data.slice(0, size));
}
