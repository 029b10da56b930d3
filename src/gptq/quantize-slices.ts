import { resolveGroups } from '../exl2/groups.ts';
import type { Group, QuantParams } from '../exl2/params.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { WeightSlice } from '../gpu/matrix/weight-slice.ts';
import { bufferBytes } from '../gpu/memory.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import { groupSweep } from '../kernels/gptq/group_sweep.ts';
import { groupUpdate } from '../kernels/gptq/group_update.ts';
import { type GpuLinear, rowTable } from './gpu-linear.ts';
import { factorColumnsBytes } from './quantizer.ts';
import { BLOCK_ROWS, GROUP_ROWS, JOB_WORDS, planSteps, type StepPlan } from './steps.ts';
import {
  allocSweep,
  beginBlocks,
  chooseScales,
  fitScales,
  MOST_FACTORS,
  type SliceRows,
  type SliceScales,
  type SweepInput,
  TILE,
} from './sweep.ts';

/** A weight of which there is memory for one slice of its columns at a time. */
export interface SlicedInput extends SweepInput {
  /** Of each slice, padded. */
  readonly columns: readonly number[];
  /** Loads a slice into a scope; called once for each group and once more. */
  readonly load: (scope: Scope, slice: number) => Promise<WeightSlice>;
}

/**
 * GPU memory that {@link quantizeSlices} takes for a weight (k, n) beside the factor: for all slices, for one beside its
 * weight, and for the codes of that.
 */
export function slicedBytes(
  k: number,
  columns: readonly number[],
  params: QuantParams,
): Record<'shared' | 'slice' | 'codes', number> {
  const groups = resolveGroups(k, params).length;
  const buffer = (elements: number) => bufferBytes(elements * 4);
  const scales = columns.map((n) => buffer(GROUP_ROWS * n) + buffer(n) + buffer(groups * n));
  const tiles = columns.reduce((sum, n) => sum + n / TILE, 0);
  const tables = 2 * buffer(k) + 2 * buffer(groups) + buffer(2 * JOB_WORDS * groups);
  const n = Math.max(...columns);
  const codes = buffer((k / 4) * n);
  return {
    shared:
      tables +
      factorColumnsBytes(k) +
      buffer(tiles * MOST_FACTORS) +
      scales.reduce((sum, bytes) => sum + bytes, 0),
    slice: codes + buffer(BLOCK_ROWS * n) + buffer(k * n),
    codes,
  };
}

/**
 * Quantizes one weight as `quantizeCandidates` does, to the byte, with one slice at a time on the GPU. What couples the
 * slices is the search for each group's unit. Nothing else of a slice is kept until the next group: it is loaded and swept
 * up to there again, with the scales that are known. That takes half as many sweeps as there are groups.
 * @param take gets each slice with what became of it; both belong to the scope, which is freed afterwards.
 */
export function quantizeSlices(
  gpu: Gpu,
  input: SlicedInput,
  groups: readonly Group[],
  take: (scope: Scope, slice: WeightSlice, linear: GpuLinear) => Promise<void>,
): Promise<void> {
  const { what, columns, load, factor, method } = input;
  const { k } = factor;
  const plan = planSteps([groups]);
  return withScope(gpu, async (keep) => {
    const { shared, scales } = allocSweep(gpu, keep, keep, input, [groups], plan, columns);
    const rows = keep.upload(rowTable(k, groups, 0), 'row table');

    /** Loads a slice and does these steps of it, whose scales are known. */
    const swept = async (scope: Scope, i: number, steps: StepPlan['steps']) => {
      const { w, n } = await load(scope, i);
      const slice: SliceScales & SliceRows = {
        ...{ ...scales[i]!, w },
        codes: scope.alloc([k / 4, n], `codes of ${what}`),
        pending: scope.alloc([BLOCK_ROWS, n], `block rows of ${what}`),
        e: scope.alloc([k, n], `errors of ${what}`),
      };
      for (const { blocks, groups } of steps) {
        beginBlocks(gpu, factor, blocks, shared, [slice]);
        const own = { ...shared, ...slice, ...groups };
        gpu.run(groupUpdate, own);
        gpu.run(groupSweep, own);
      }
      return slice;
    };

    for (const [step, { blocks, groups }] of plan.steps.entries()) {
      for (const i of columns.keys()) {
        await withScope(gpu, async (scope) => {
          const slice = await swept(scope, i, plan.steps.slice(0, step));
          beginBlocks(gpu, factor, blocks, shared, [slice]);
          fitScales(gpu, { ...shared, ...slice, ...groups });
          await gpu.sync();
        });
      }
      chooseScales(
        gpu,
        method,
        scales.map((own) => ({ ...shared, ...own, ...groups })),
      );
    }
    for (const i of columns.keys()) {
      await withScope(gpu, async (scope) => {
        const { n, w, codes, scaleCodes, pending, e } = await swept(scope, i, plan.steps);
        await gpu.sync();
        for (const tensor of [pending, e]) scope.free(tensor);
        const { scaleMax, perm } = shared;
        const linear = { k, n, groups, codes, scaleCodes, scaleMax, firstGroup: 0, rows, perm };
        await take(scope, { w, n }, linear);
      });
    }
  });
}
