import { resolveGroups, totalBits } from '../exl2/groups.ts';
import { takeColumns } from '../exl2/packed-columns.ts';
import { type PackedLinear, packedTensors } from '../exl2/packed-linear.ts';
import type { QuantParams } from '../exl2/params.ts';
import { descend } from '../gptq/descent.ts';
import type { FactorOptions, HessianFactor } from '../gptq/factor.ts';
import { packLinear, rebuildWeight } from '../gptq/pack.ts';
import { quantizeCandidates } from '../gptq/quantizer.ts';
import type { WeightSlice } from '../gpu/matrix/weight-slice.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import type { StageContext } from '../job/context.ts';
import type { LinearEvent } from '../job/events.ts';
import type { QuantizerSettings } from '../job/settings.ts';
import { freeWeight, type LinearWeight } from '../model/gpu/weights.ts';
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
  const { key, k, n } = linear;
  const { slices } = weight;
  return withScope(gpu, async (temporary) => {
    const groups = resolveGroups(k, params);
    const { method, descentPasses } = context.quantizer;
    const [quantized] = quantizeCandidates(gpu, temporary, { what: key, slices, factor, method }, [groups]);
    await gpu.sync();
    if (descentPasses > 0) await descend(gpu, factor, slices, quantized!, descentPasses);
    freeWeight(scope, weight);
    const packed = await packLinear(gpu, quantized!, factor.perm, n);
    const rebuilt: WeightSlice[] = [];
    let start = 0;
    for (const [i, slice] of slices.entries()) {
      const columns = takeColumns(packed, start, start + slice.n);
      rebuilt.push({ n: slice.n, w: await rebuildWeight(gpu, scope, key, columns, quantized![i]!) });
      start += slice.n;
    }
    const tensors = await tensorsOf(context, key, packed, weight);
    return { weight: { ...weight, slices: rebuilt }, tensors };
  });
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
