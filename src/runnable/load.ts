/** Weights of a model that is to be run, onto the GPU: packed ones stay packed. */

import { takeColumns } from '../exl2/packed-columns.ts';
import { PACKED_TENSORS, type PackedLinear, padColumns, readPackedLinear } from '../exl2/packed-linear.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Scope } from '../gpu/scope.ts';
import type { Range } from '../model/gpu/column-slices.ts';
import type { AnyLinear } from '../model/gpu/linear.ts';
import type { ModuleWeights } from '../model/gpu/ops.ts';
import { uploadPackedWeight } from '../model/gpu/packed-weight.ts';
import {
  loadLinear,
  loadLinears,
  loadNorm,
  loadNorms,
  type NormWeight,
  weightNames,
} from '../model/gpu/weights.ts';
import { routerOf } from '../model/plan.ts';
import type { LinearSpec, ModuleSpec } from '../model/spec.ts';
import type { HostTensor } from '../tensor/dtype.ts';
import { at } from '../util/errors.ts';
import type { RunnableModel } from './runnable-model.ts';

/** The weights of a module, ready to run. */
export async function loadWeights(
  gpu: Gpu,
  scope: Scope,
  { source, quantization }: RunnableModel,
  module: ModuleSpec,
): Promise<ModuleWeights> {
  const norms = await at(source.name, () => loadNorms(scope, source, module));
  if (!quantization) return { norms, linears: await loadLinears(gpu, scope, source, module) };
  const linears = new Map<string, AnyLinear>();
  for (const router of routerOf(module))
    linears.set(router.name, await loadLinear(gpu, scope, source, router));
  for (const linear of module.linears) {
    const { packed, bias } = await readLinear(source, linear);
    linears.set(linear.name, uploadPackedWeight(gpu, scope, linear.key, packed, bias));
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
  return uploadPackedWeight(gpu, scope, head.key, slice, undefined);
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
