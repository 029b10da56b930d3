import { slicedHeadNeed } from '../../estimate/head-need.ts';
import { fileBytesIn } from '../../estimate/memory-need.ts';
import { resolveGroups } from '../../exl2/groups.ts';
import { joinColumns } from '../../exl2/packed-columns.ts';
import { type PackedLinear, packedTensors, padColumns } from '../../exl2/packed-linear.ts';
import type { QuantParams } from '../../exl2/params.ts';
import type { HessianFactor } from '../../gptq/factor.ts';
import { unpackWeight } from '../../gptq/pack.ts';
import { quantizeSlices } from '../../gptq/quantize-slices.ts';
import type { WeightSlice } from '../../gpu/matrix/weight-slice.ts';
import { type Scope, withScope } from '../../gpu/scope.ts';
import type { StageContext } from '../../job/context.ts';
import { checkControl } from '../../job/control.ts';
import { expandSlice, type StoredSlice, storeSlice } from '../../model/gpu/stored-slice.ts';
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
  const columns = head.ranges.map(({ start, end }) => padColumns(end - start));
  const packed: PackedLinear[] = [];
  await withScope(gpu, (keep) => {
    const load = sliceLoader(context, head, columns, keep, params);
    const input = { what: key, factor, method: quantizer.method, columns, load };
    return quantizeSlices(gpu, input, resolveGroups(k, params), async (scope, slice, linear) => {
      const finished = await finishSlice(context, scope, plan.head, factor, slice, linear, packed);
      packed.push(finished.packed);
    });
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

/** Loads slices time after time: what the file has of the first ones stays on the GPU, in `keep`, as far as there is room. */
function sliceLoader(
  { gpu, source, plan, quantizer, control }: StageContext,
  { ranges, length }: HeldHead,
  columns: readonly number[],
  keep: Scope,
  params: QuantParams,
): (scope: Scope, slice: number) => Promise<WeightSlice> {
  const linear = plan.head;
  const fileBytes = fileBytesIn(source)(linear);
  const need = slicedHeadNeed(plan, length, params, quantizer, fileBytes, columns);
  const sliceBytes = (fileBytes / linear.n) * ranges[0]!.end;
  const staying = Math.floor((gpu.memory.available - need) / sliceBytes);
  const held = new Map<number, StoredSlice>();
  return async (scope, i) => {
    await checkControl(control);
    const range = ranges[i]!;
    const owner = i < staying ? keep : scope;
    const stored = held.get(i) ?? (await storeSlice(gpu, owner, source, linear, range));
    const slice = expandSlice(gpu, scope, linear, stored);
    if (i < staying) held.set(i, stored);
    else scope.free(stored.raw);
    return slice;
  };
}
