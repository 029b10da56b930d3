import { type Group, MAX_GROUP_ROWS } from '../exl2/params.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { WeightSlice } from '../gpu/matrix/weight-slice.ts';
import { bufferBytes } from '../gpu/memory.ts';
import { inParts } from '../gpu/parts.ts';
import { Scope } from '../gpu/scope.ts';
import { type GpuTensor, view } from '../gpu/tensor.ts';
import { blockUpdate } from '../kernels/gptq/block_update.ts';
import { factorColumns } from '../kernels/gptq/factor_columns.ts';
import { groupSweep } from '../kernels/gptq/group_sweep.ts';
import { groupUpdate } from '../kernels/gptq/group_update.ts';
import { rowSquareBytes } from '../kernels/row_sums/sum_squares.ts';
import { columnCode } from '../kernels/scale/column_code.ts';
import { columnScale } from '../kernels/scale/column_scale.ts';
import { scaleChoice } from '../kernels/scale/scale_choice.ts';
import { scaleError } from '../kernels/scale/scale_error.ts';
import { scaleSearch } from '../kernels/scale/scale_search.ts';
import { assert } from '../util/errors.ts';
import type { HessianFactor } from './factor.ts';
import { type GpuLinear, rowTable } from './gpu-linear.ts';
import { readLosses } from './loss.ts';
import type { QuantizerMethod } from './method.ts';

const GROUP_ROWS = MAX_GROUP_ROWS;
/** Rows that take in the errors of all rows before them in one product. */
const BLOCK_ROWS = 256;
/** Of a group or block, as the kernels read them. */
const JOB_WORDS = 6;
/** Columns of a tile of the scale search. */
const TILE = 32;

/** Factors on a group's unit that are tried. */
const SEARCH = {
  exllamav2: { factors: 97, least: 0.7, most: 1.2 },
  refined: { factors: 12, least: 0.55, most: 1.1 },
} as const;
const MOST_FACTORS = SEARCH.exllamav2.factors;

/** A weight, in slices of its columns where one buffer cannot hold it, with the factor of its input's Hessian. */
export interface QuantizerInput {
  readonly what: string;
  readonly slices: readonly WeightSlice[];
  readonly factor: HessianFactor;
  readonly method: QuantizerMethod;
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
  { what, slices, factor, method, onLosses }: QuantizerInput,
  candidates: readonly (readonly Group[])[],
): GpuLinear[][] {
  const { k } = factor;
  const count = candidates.length;
  const groupCount = candidates.reduce((sum, groups) => sum + groups.length, 0);
  const perm = keep.upload(factor.perm, `act-order of ${what}`);
  const scaleMax = keep.alloc([groupCount], `scale units of ${what}`);
  const results = slices.map(({ n }) => ({
    codes: keep.alloc([count, k / 4, n], `codes of ${what}`),
    scaleCodes: keep.alloc([groupCount, n], `scale codes of ${what}`),
  }));
  const scope = new Scope(gpu);
  try {
    const tiles = slices.reduce((sum, { n }) => sum + n / TILE, 0);
    const plan = planSteps(candidates);
    const shared = {
      ...{ k, tiles, perm, scaleMax },
      u: scope.alloc([count, k, BLOCK_ROWS], `columns of the factor for ${what}`),
      jobs: scope.upload(plan.jobs, 'jobs'),
      unit: scope.alloc([groupCount], 'group units'),
      partial: scope.alloc([count, tiles, SEARCH[method].factors], 'scale errors'),
    };
    gpu.zero(shared.unit);
    let firstTile = 0;
    const work = slices.map(({ w, n }, i) => {
      const own = {
        ...{ w, n, firstTile, ...results[i]! },
        pending: scope.alloc([count, BLOCK_ROWS, n], `block rows of ${what}`),
        current: scope.alloc([count, GROUP_ROWS, n], `group rows of ${what}`),
        base: scope.alloc([count, n], 'column scales'),
        e: scope.alloc([count, k, n], `errors of ${what}`),
      };
      firstTile += n / TILE;
      return own;
    });
    for (const { blocks, groups } of plan.steps) {
      takeFactorColumns(gpu, factor, blocks, shared);
      for (const slice of work) {
        const runJobs = (start: number, jobCount: number) =>
          gpu.run(blockUpdate, { ...shared, ...slice, job: blocks.job + start, jobCount });
        inParts(gpu, blocks.jobCount, 2 * BLOCK_ROWS * k * slice.n, runJobs, 1);
      }
      const slices = work.map((slice) => ({ ...shared, ...slice, ...groups }));
      runStep(gpu, method, slices);
    }
    const errors = work.map(({ e }) => e);
    onLosses?.(readLosses(gpu, scope, errors));
  } finally {
    scope.freeAll();
  }
  const firstGroups = firstGroupsOf(candidates);
  return candidates.map((groups, i) => {
    const firstGroup = firstGroups[i]!;
    const rows = keep.upload(rowTable(k, groups, firstGroup), 'row table');
    return slices.map(({ n }, slice) => {
      const { codes, scaleCodes } = results[slice]!;
      const own = view(codes, (i * k * n) / 4, [k / 4, n]);
      return { k, n, groups, codes: own, scaleCodes, scaleMax, firstGroup, rows, perm };
    });
  });
}

/** Number of each candidate's first group among the groups of all. */
const firstGroupsOf = (candidates: readonly (readonly Group[])[]): number[] =>
  candidates.map((_, i) => candidates.slice(0, i).reduce((sum, groups) => sum + groups.length, 0));

/** Takes the columns of the factor that blocks read, up to row `end`, from the panels that have any of them. */
function takeFactorColumns(
  gpu: Gpu,
  { k, inverse }: HessianFactor,
  { job, jobCount, end: rowEnd }: Jobs & { readonly end: number },
  { jobs, u }: Pick<StepArguments, 'jobs' | 'u'>,
): void {
  for (const { start: first, end, tensor: x } of inverse.panels) {
    if (k - end >= rowEnd) continue; // rows of U from there on
    gpu.run(factorColumns, { k, first, rows: end - first, job, jobCount, x, jobs, u });
  }
}

type StepScalar = 'k' | 'n' | 'job' | 'jobCount' | 'firstTile' | 'tiles';
type StepTensor =
  | 'jobs'
  | 'u'
  | 'pending'
  | 'codes'
  | 'scaleCodes'
  | 'scaleMax'
  | 'current'
  | 'base'
  | 'unit'
  | 'partial'
  | 'e';
type StepArguments = Readonly<Record<StepScalar, number> & Record<StepTensor, GpuTensor>>;

/** One group of every candidate that has one left, in all slices. */
function runStep(gpu: Gpu, method: QuantizerMethod, slices: readonly StepArguments[]): void {
  for (const slice of slices) {
    gpu.run(groupUpdate, slice);
    gpu.run(columnScale, slice);
  }
  for (const slice of slices) {
    if (method === 'refined') gpu.run(scaleSearch, slice);
    else gpu.run(scaleError, slice);
  }
  gpu.run(scaleChoice, { ...slices[0]!, ...SEARCH[method] });
  for (const slice of slices) {
    if (method === 'refined') gpu.run(columnCode, slice);
    gpu.run(groupSweep, slice);
  }
}

/** Jobs of one dispatch: `jobCount` of them from number `job` on. */
interface Jobs {
  readonly job: number;
  readonly jobCount: number;
}

/**
 * Step i does group i of each candidate. A block begins with a group, and takes the groups that fit into it whole;
 * the step of its first group also does the block.
 */
function planSteps(candidates: readonly (readonly Group[])[]) {
  const words: number[] = [];
  const add = (jobs: readonly (readonly number[])[]): Jobs => {
    const job = words.length / JOB_WORDS;
    words.push(...jobs.flat());
    return { job, jobCount: jobs.length };
  };
  const firstGroups = firstGroupsOf(candidates);
  const blocks = candidates.map(() => ({ start: 0, end: 0 }));
  const longest = Math.max(...candidates.map((groups) => groups.length));
  const steps = Array.from({ length: longest }, (_, step) => {
    const due = candidates.flatMap((groups, candidate) => {
      const group = groups[step];
      return group ? [{ candidate, group, last: groups.at(-1)!.end }] : [];
    });
    const begun: number[][] = [];
    for (const { candidate, group, last } of due) {
      assert(group.end - group.start <= GROUP_ROWS, `group of ${group.end - group.start} rows`);
      if (group.end <= blocks[candidate]!.end) continue;
      const block = { start: group.start, end: Math.min(group.start + BLOCK_ROWS, last) };
      blocks[candidate] = block;
      begun.push([candidate, block.start, block.end, 0, 0, 0]);
    }
    const groups = due.map(({ candidate, group: { start, end, bits } }) => [
      ...[candidate, start, end, bits],
      ...[blocks[candidate]!.start, firstGroups[candidate]! + step],
    ]);
    const end = Math.max(0, ...begun.map(([, , blockEnd]) => blockEnd!));
    return { blocks: { ...add(begun), end }, groups: add(groups) };
  });
  return { steps, jobs: Uint32Array.from(words) };
}
