import { resolveGroups } from '../../exl2/groups.ts';
import { joinColumns } from '../../exl2/packed-columns.ts';
import { type PackedLinear, packedTensors, padColumns } from '../../exl2/packed-linear.ts';
import type { QuantParams } from '../../exl2/params.ts';
import type { HessianFactor } from '../../gptq/factor.ts';
import { unpackWeight } from '../../gptq/pack.ts';
import { quantizeSlices } from '../../gptq/quantize-slices.ts';
import { type Scope, withScope } from '../../gpu/scope.ts';
import type { StageContext } from '../../job/context.ts';
import { asHeads } from '../../model/gpu/weights.ts';
import type { HeadSlices } from '../../pass/perplexity.ts';
import type { HostTensor } from '../../tensor/dtype.ts';
import { finishSlice, quantizeLinear } from '../quantize-linear.ts';
import type { HeldHead } from './held-head.ts';

export interface QuantizedHead {
  /** To write. */
  readonly tensors: readonly HostTensor[];
  /** Rebuilt. */
  readonly slices: HeadSlices;
}

/** Quantizes a head: all of it at once, or slice by slice where there is no memory for that. */
export async function quantizeHeld(
  context: StageContext,
  head: HeldHead,
  factor: HessianFactor,
  params: QuantParams,
): Promise<QuantizedHead> {
  const weight = await head.weight();
  if (!weight) return quantizeInSlices(context, head, factor, params);
  const { plan } = context;
  const { tensors, weight: rebuilt } = await quantizeLinear(
    context,
    head.scope,
    plan.head,
    weight,
    factor,
    params,
  );
  return { tensors, slices: (use) => use(asHeads(rebuilt)) };
}

async function quantizeInSlices(
  context: StageContext,
  head: HeldHead,
  factor: HessianFactor,
  params: QuantParams,
): Promise<QuantizedHead> {
  const { gpu, plan, quantizer } = context;
  const { key, k } = plan.head;
  const { ranges } = head;
  const input = {
    ...{ what: key, factor, method: quantizer.method },
    columns: ranges.map(({ start, end }) => padColumns(end - start)),
    load: async (scope: Scope, i: number) => (await head.loadSlice(scope, ranges[i]!)).slices[0]!,
  };
  const packed: PackedLinear[] = [];
  await quantizeSlices(gpu, input, resolveGroups(k, params), async (scope, slice, linear) => {
    const finished = await finishSlice(context, scope, plan.head, factor, slice, linear, packed);
    packed.push(finished.packed);
  });
  return {
    tensors: packedTensors(key, joinColumns(packed)),
    slices: async (use) => {
      for (const each of packed) {
        const { n } = each;
        await withScope(gpu, async (scope) => {
          const slices = [{ n, w: await unpackWeight(gpu, scope, key, each) }];
          await use([{ k, n, slices, bias: undefined }]);
        });
      }
    },
  };
}
