import { takeColumns } from '../exl2/packed-columns.ts';
import { readPackedLinear } from '../exl2/packed-linear.ts';
import { unpackWeight } from '../gptq/pack.ts';
import type { WeightSlice } from '../gpu/matrix/weight-slice.ts';
import type { Scope } from '../gpu/scope.ts';
import type { SafetensorsFile } from '../io/safetensors/reader.ts';
import type { StageContext } from '../job/context.ts';
import { columnSlices } from '../model/gpu/column-slices.ts';
import { freeWeight } from '../model/gpu/weights.ts';
import type { LinearSpec } from '../model/spec.ts';
import type { HostTensor } from '../tensor/dtype.ts';
import type { LoadedModule } from './loaded-module.ts';

/** The weight (k, n) f32, n padded, that the packed tensors of a linear stand for, in slices. */
async function rebuiltSlices(
  { gpu }: Pick<StageContext, 'gpu'>,
  scope: Scope,
  key: string,
  tensors: readonly HostTensor[],
): Promise<WeightSlice[]> {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const packed = readPackedLinear(key, (name) => byName.get(name));
  const slices: WeightSlice[] = [];
  for (const { start, end } of columnSlices(packed.n, packed.k * 4, gpu.memory.largestBuffer)) {
    const own = takeColumns(packed, start, end);
    slices.push({ w: await unpackWeight(gpu, scope, key, own), n: end - start });
  }
  return slices;
}

/** The packed tensors of a linear. */
export async function packedTensorsOf(file: SafetensorsFile, { key }: LinearSpec): Promise<HostTensor[]> {
  const tensors: HostTensor[] = [];
  for (const { name } of file.tensors.values()) {
    if (name.startsWith(`${key}.`)) tensors.push(await file.read(name));
  }
  return tensors;
}

/** Replaces the weight of a linear of `loaded`, which belongs to `scope`, by the one that packed tensors stand for. */
export async function takePackedWeight(
  context: Pick<StageContext, 'gpu'>,
  scope: Scope,
  { linears }: Pick<LoadedModule, 'linears'>,
  { name, key }: LinearSpec,
  tensors: readonly HostTensor[],
): Promise<void> {
  const original = linears.get(name)!;
  const slices = await rebuiltSlices(context, scope, key, tensors);
  linears.set(name, { ...original, slices });
  freeWeight(scope, original);
}

/** Whether the module was finished with forward passes that rounded to half precision. */
export const isMixed = ({ metadata }: SafetensorsFile): boolean => metadata.get('mixed') === 'true';
