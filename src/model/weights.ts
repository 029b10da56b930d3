import { padColumns } from '../exl2/packed-linear.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import type { TensorSource } from '../io/tensor-source.ts';
import { loadWeight } from '../kernels/pack/load_weight.ts';
import { assert } from '../util/errors.ts';
import type { LinearSpec, ModuleSpec } from './plan.ts';

/** A linear on the GPU, ready for y = x·w. */
export interface LinearWeight {
  readonly k: number;
  /** Columns of `w`: out_features padded to a multiple of 32. */
  readonly n: number;
  /** (k, n) f32; padded columns are zero. */
  readonly w: GpuTensor;
  /** (n) f32, padded with zeros. */
  readonly bias: GpuTensor | undefined;
}

/** The tensors of a module that stay as they are. */
export interface ModuleNorms {
  readonly norm: GpuTensor;
  readonly qNorm: GpuTensor | undefined;
  readonly kNorm: GpuTensor | undefined;
}

/** Bytes of the file that are uploaded at a time. */
const UPLOAD_BYTES = 64 * 2 ** 20;

/** Streams a weight from its file to the GPU and transposes it there. */
export async function loadLinear(
  gpu: Gpu,
  scope: Scope,
  source: TensorSource,
  linear: LinearSpec,
): Promise<LinearWeight> {
  const { k, n } = linear;
  const nPadded = padColumns(n);
  const w = scope.alloc([k, nPadded], linear.weight);
  await withScope(gpu, async (temporary) => {
    const { dtype } = source.requireInfo(linear.weight);
    assert(dtype === 'F32' || dtype === 'F16' || dtype === 'BF16', `${linear.weight} is ${dtype}`);
    const words = (n * k * (dtype === 'F32' ? 4 : 2)) / 4;
    const raw = temporary.alloc([words], `file bytes of ${linear.weight}`);
    const rowBytes = (words * 4) / n;
    const rows = Math.max(1, Math.floor(UPLOAD_BYTES / rowBytes));
    for (let start = 0; start < n; start += rows) {
      const { data } = await source.readRows(linear.weight, start, Math.min(n, start + rows));
      gpu.writeAt(raw, start * rowBytes, data);
    }
    gpu.run(loadWeight[dtype], { k, n, nPadded, source: raw, w });
  });
  return { k, n: nPadded, w, bias: await loadBias(scope, source, linear, nPadded) };
}

async function loadBias(
  scope: Scope,
  source: TensorSource,
  { bias }: LinearSpec,
  n: number,
): Promise<GpuTensor | undefined> {
  if (bias === undefined) return undefined;
  const padded = new Float32Array(n);
  padded.set((await source.readFloat(bias)).data);
  return scope.upload(padded, bias);
}

/** All linears of a module, by name. */
export async function loadLinears(
  gpu: Gpu,
  scope: Scope,
  source: TensorSource,
  module: ModuleSpec,
): Promise<Map<string, LinearWeight>> {
  const linears = new Map<string, LinearWeight>();
  for (const linear of module.linears) linears.set(linear.name, await loadLinear(gpu, scope, source, linear));
  return linears;
}

export async function loadNorm(scope: Scope, source: TensorSource, name: string): Promise<GpuTensor> {
  return scope.upload(Float32Array.from((await source.readFloat(name)).data), name);
}

export async function loadNorms(
  scope: Scope,
  source: TensorSource,
  module: ModuleSpec,
): Promise<ModuleNorms> {
  const optional = async (name: string | undefined) =>
    name === undefined ? undefined : loadNorm(scope, source, name);
  return {
    norm: await loadNorm(scope, source, module.norm),
    qNorm: await optional(module.qNorm),
    kNorm: await optional(module.kNorm),
  };
}
