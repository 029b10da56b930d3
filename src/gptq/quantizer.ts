import type { Group } from '../exl2/params.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { WeightSlice } from '../gpu/matrix/weight-slice.ts';
import { bufferBytes } from '../gpu/memory.ts';
import { Scope } from '../gpu/scope.ts';
import { view } from '../gpu/tensor.ts';
import { groupSweep } from '../kernels/gptq/group_sweep.ts';
import { rowSquareBytes } from '../kernels/row_sums/sum_squares.ts';
import { type GpuLinear, rowTable } from './gpu-linear.ts';
import { readLosses } from './loss.ts';
import { BLOCK_ROWS, firstGroupsOf, GROUP_ROWS, JOB_WORDS, planSteps } from './steps.ts';
import {
  allocSweep,
  beginBlocks,
  chooseScales,
  fitScales,
  MOST_FACTORS,
  type SweepInput,
  TILE,
} from './sweep.ts';

/** A weight, in slices of its columns where one buffer cannot hold it, with the factor of its input's Hessian. */
export interface QuantizerInput extends SweepInput {
  readonly slices: readonly WeightSlice[];
  /** Called for each batch of candidates with the promise of their losses ({@link readLosses}). */
  readonly onLosses?: (losses: Promise<number[]>) => void;
}

/**
 * Quantizes one weight by every set of groups (section 7 of the format's description in `src/exl2/README.md`).
 * Candidates are independent; as many as fit run side by side, group by group. Slices are coupled by the group's
 * scale search alone, and go through it in step.
 * @param keep scope that owns the results.
 * @returns for each entry of `candidates`, in order, the quantized slices.
 */
export function quantizeCandidates(
  gpu: Gpu,
  keep: Scope,
  input: QuantizerInput,
  candidates: readonly (readonly Group[])[],
): GpuLinear[][] {
  const results: GpuLinear[][] = [];
  while (results.length < candidates.length) {
    const rest = candidates.slice(results.length);
    results.push(...quantizeBatch(gpu, keep, input, rest.slice(0, batchSize(gpu, input, rest))));
  }
  return results;
}

/** GPU memory of one candidate of a weight (k, n) with so many groups: what stays of it, and what it takes meanwhile. */
export function candidateBytes(k: number, n: number, groups: number): { kept: number; meanwhile: number } {
  const buffer = (elements: number) => bufferBytes(elements * 4);
  const errors = buffer(k * n) + buffer(BLOCK_ROWS * n) + buffer(GROUP_ROWS * n);
  return {
    kept: buffer((k / 4) * n) + buffer(groups * n) + buffer(groups) + 2 * buffer(k),
    meanwhile:
      errors +
      buffer(n) +
      buffer((n / TILE) * MOST_FACTORS) +
      buffer(groups) +
      buffer(2 * JOB_WORDS * groups) +
      bufferBytes(rowSquareBytes(k * n)),
  };
}

/** GPU memory of what one candidate of a weight with k rows takes meanwhile of the factor, whatever its columns. */
export const factorColumnsBytes = (k: number): number => bufferBytes(k * BLOCK_ROWS * 4);

/** How many of the candidates run together. */
export function batchSize(
  gpu: Gpu,
  { slices, factor: { k } }: QuantizerInput,
  candidates: readonly (readonly Group[])[],
): number {
  const groups = Math.max(...candidates.map(({ length }) => length));
  const each = slices.reduce((sum, { n }) => {
    const { kept, meanwhile } = candidateBytes(k, n, groups);
    return sum + kept + meanwhile;
  }, factorColumnsBytes(k));
  const widest = Math.max(BLOCK_ROWS, ...slices.map((slice) => slice.n));
  const fit = Math.min(
    Math.floor((gpu.memory.available * 0.9) / each),
    Math.floor(gpu.memory.largestBuffer / (k * widest * 4)),
  );
  return Math.max(1, Math.min(candidates.length, fit));
}

function quantizeBatch(
  gpu: Gpu,
  keep: Scope,
  input: QuantizerInput,
  candidates: readonly (readonly Group[])[],
): GpuLinear[][] {
  const { what, slices, factor, method, onLosses } = input;
  const { k } = factor;
  const count = candidates.length;
  const plan = planSteps(candidates);
  const columns = slices.map(({ n }) => n);
  const codes = columns.map((n) => keep.alloc([count, k / 4, n], `codes of ${what}`));
  const scope = new Scope(gpu);
  let sweep: ReturnType<typeof allocSweep>;
  try {
    sweep = allocSweep(gpu, keep, scope, input, candidates, plan, columns);
    const { shared, scales } = sweep;
    const work = slices.map(({ w, n }, i) => ({
      ...{ ...scales[i]!, w, codes: codes[i]! },
      pending: scope.alloc([count, BLOCK_ROWS, n], `block rows of ${what}`),
      e: scope.alloc([count, k, n], `errors of ${what}`),
    }));
    for (const { blocks, groups } of plan.steps) {
      beginBlocks(gpu, factor, blocks, shared, work);
      const slices = work.map((slice) => ({ ...shared, ...slice, ...groups }));
      for (const slice of slices) fitScales(gpu, slice);
      chooseScales(gpu, method, slices);
      for (const slice of slices) gpu.run(groupSweep, slice);
    }
    const errors = work.map(({ e }) => e);
    onLosses?.(readLosses(gpu, scope, errors));
  } finally {
    scope.freeAll();
  }
  const { scaleMax, perm } = sweep.shared;
  const firstGroups = firstGroupsOf(candidates);
  return candidates.map((groups, i) => {
    const firstGroup = firstGroups[i]!;
    const rows = keep.upload(rowTable(k, groups, firstGroup), 'row table');
    return sweep.scales.map(({ n, scaleCodes }, slice) => {
      const own = view(codes[slice]!, (i * k * n) / 4, [k / 4, n]);
      return { k, n, groups, codes: own, scaleCodes, scaleMax, firstGroup, rows, perm };
    });
  });
}
