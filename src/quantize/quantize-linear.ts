import { resolveGroups, totalBits } from '../exl2/groups.ts';
import { joinColumns } from '../exl2/packed-columns.ts';
import { type PackedLinear, packedTensors } from '../exl2/packed-linear.ts';
import type { QuantParams } from '../exl2/params.ts';
import { descend } from '../gptq/descent.ts';
import type { FactorOptions, HessianFactor } from '../gptq/factor.ts';
import type { GpuLinear } from '../gptq/gpu-linear.ts';
import { packLinear, rebuildWeight } from '../gptq/pack.ts';
import { quantizeCandidates } from '../gptq/quantizer.ts';
import type { WeightSlice } from '../gpu/matrix/weight-slice.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import type { StageContext } from '../job/context.ts';
import type { LinearEvent } from '../job/events.ts';
import type { QuantizerSettings } from '../job/settings.ts';
import type { LinearWeight } from '../model/gpu/weights.ts';
import type { LinearSpec, ModuleSpec } from '../model/spec.ts';
import type { HostTensor } from '../tensor/dtype.ts';
import { f32ToF16Array } from '../util/half.ts';

/** What is told of a linear that is quantized. @param module it belongs to; none of the head. */
export function linearEvent(
  module: ModuleSpec | undefined,
  linear: LinearSpec,
  params: QuantParams,
  error: number | undefined,
): LinearEvent {
  const { key, paramsName: name, k, n, bias } = linear;
  const bitsPerWeight = totalBits(k, n, params, bias !== undefined) / (k * n);
  return {
    ...{ type: 'linear', key, bitsPerWeight },
    ...(module && { choice: module.choice, name, ...expertOf(module, linear) }),
    ...(error !== undefined && { error }),
  };
}

function expertOf({ mixer }: ModuleSpec, linear: LinearSpec): Pick<LinearEvent, 'expert'> {
  if (mixer.kind !== 'experts') return {};
  const place = mixer.experts.findIndex(({ gate, up, down }) => [gate, up, down].includes(linear));
  return { expert: mixer.first + place };
}

/** How the sum of so many calibration rows is factored for good: descent takes the Hessian itself. */
export const factorOptions = ({ method, descentPasses }: QuantizerSettings, rows: number): FactorOptions => ({
  rows,
  method,
  keepHessian: descentPasses > 0,
});

export interface QuantizedLinear {
  /** Rebuilt. */
  readonly weight: LinearWeight;
  /** To write. */
  readonly tensors: readonly HostTensor[];
}

/**
 * Quantizes one linear; frees its weight and gives back the rebuilt one with the tensors to write.
 */
export async function quantizeLinear(
  context: StageContext,
  scope: Scope,
  linear: LinearSpec,
  weight: LinearWeight,
  factor: HessianFactor,
  params: QuantParams,
): Promise<QuantizedLinear> {
  const { gpu } = context;
  const { key: what, k } = linear;
  const { slices } = weight;
  return withScope(gpu, async (temporary) => {
    const groups = resolveGroups(k, params);
    const { method } = context.quantizer;
    const [quantized] = quantizeCandidates(gpu, temporary, { what, slices, factor, method }, [groups]);
    await gpu.sync();
    const packed: PackedLinear[] = [];
    const rebuilt: WeightSlice[] = [];
    for (const [i, slice] of slices.entries()) {
      const finished = await finishSlice(context, scope, linear, factor, slice, quantized![i]!, packed);
      packed.push(finished.packed);
      rebuilt.push(finished.rebuilt);
    }
    const tensors = await tensorsOf(context, what, joinColumns(packed), weight);
    return { weight: { ...weight, slices: rebuilt }, tensors };
  });
}

/**
 * Improves the codes of a quantized slice, frees its weight, which belongs to `scope`, and packs it.
 * @param before the packed slices left of it.
 * @returns also the weight that a reader makes of it, of the same scope.
 */
export async function finishSlice(
  { gpu, quantizer }: StageContext,
  scope: Scope,
  { key, n }: LinearSpec,
  factor: HessianFactor,
  slice: WeightSlice,
  linear: GpuLinear,
  before: readonly PackedLinear[],
): Promise<{ packed: PackedLinear; rebuilt: WeightSlice }> {
  const { descentPasses } = quantizer;
  if (descentPasses > 0) await descend(gpu, factor, [slice], [linear], descentPasses);
  scope.free(slice.w);
  const start = before.reduce((sum, packed) => sum + packed.n, 0);
  const packed = await packLinear(gpu, linear, factor.perm, n - start);
  return { packed, rebuilt: { n: slice.n, w: await rebuildWeight(gpu, scope, key, packed, linear) } };
}

async function tensorsOf(
  { gpu }: StageContext,
  key: string,
  packed: PackedLinear,
  { bias }: LinearWeight,
): Promise<HostTensor[]> {
  const tensors = packedTensors(key, packed);
  if (!bias) return tensors;
  const values = new Float32Array(await gpu.read(bias));
  const data = new Uint8Array(f32ToF16Array(values).buffer);
  return [...tensors, { name: `${key}.bias`, dtype: 'F16', shape: [packed.n], data }];
}
