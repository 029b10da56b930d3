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
  expandLinear,
  loadLinear,
  loadLinears,
  loadNorm,
  loadNorms,
  type NormWeight,
  type StoredLinear,
  storeLinear,
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

/** The weights of a module as its files have them, to be expanded whenever it runs. */
export interface StoredModule {
  readonly norms: ModuleWeights['norms'];
  readonly linears: ReadonlyMap<string, StoredLinear>;
}

export async function storeWeights(
  gpu: Gpu,
  scope: Scope,
  { source }: RunnableModel,
  module: ModuleSpec,
): Promise<StoredModule> {
  const linears = new Map<string, StoredLinear>();
  for (const linear of [...routerOf(module), ...module.linears])
    linears.set(linear.name, await storeLinear(gpu, scope, source, linear));
  return { norms: await loadNorms(scope, source, module), linears };
}

export const expandWeights = (gpu: Gpu, scope: Scope, { norms, linears }: StoredModule): ModuleWeights => ({
  norms,
  linears: new Map([...linears].map(([name, stored]) => [name, expandLinear(gpu, scope, stored)])),
});

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
