import type { Group } from '../exl2/params.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { inParts } from '../gpu/parts.ts';
import type { Scope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { blockUpdate } from '../kernels/gptq/block_update.ts';
import { factorColumns } from '../kernels/gptq/factor_columns.ts';
import { groupUpdate } from '../kernels/gptq/group_update.ts';
import { columnCode } from '../kernels/scale/column_code.ts';
import { columnScale } from '../kernels/scale/column_scale.ts';
import { scaleChoice } from '../kernels/scale/scale_choice.ts';
import { scaleError } from '../kernels/scale/scale_error.ts';
import { scaleSearch } from '../kernels/scale/scale_search.ts';
import type { HessianFactor } from './factor.ts';
import type { QuantizerMethod } from './method.ts';
import { BLOCK_ROWS, GROUP_ROWS, type Jobs, type StepPlan } from './steps.ts';

/** Columns of a tile of the scale search. */
export const TILE = 32;

/** Factors on a group's unit that are tried. */
const SEARCH = {
  exllamav2: { factors: 97, least: 0.7, most: 1.2 },
  refined: { factors: 12, least: 0.55, most: 1.1 },
} as const;
export const MOST_FACTORS = SEARCH.exllamav2.factors;

/** What is quantized, and how. */
export interface SweepInput {
  /** For labels. */
  readonly what: string;
  readonly factor: HessianFactor;
  readonly method: QuantizerMethod;
}

/** What all slices of a weight share; as the kernels name it. */
export interface SweepTensors {
  readonly k: number;
  readonly tiles: number;
  readonly perm: GpuTensor;
  readonly scaleMax: GpuTensor;
  readonly u: GpuTensor;
  readonly jobs: GpuTensor;
  readonly unit: GpuTensor;
  readonly partial: GpuTensor;
}

/** Of a slice: the rows of the groups under way, and the scales. */
export interface SliceScales {
  readonly n: number;
  readonly firstTile: number;
  readonly current: GpuTensor;
  readonly base: GpuTensor;
  readonly scaleCodes: GpuTensor;
}

/** Of a slice: the weight, the rows of the blocks under way, errors and codes so far. */
export interface SliceRows {
  readonly w: GpuTensor;
  readonly pending: GpuTensor;
  readonly e: GpuTensor;
  readonly codes: GpuTensor;
}

/** A slice with all that a step of it takes. */
type Slice = SweepTensors & SliceScales & SliceRows;

/** @param keep owns what the results refer to, `scope` the rest. @param columns of each slice. */
export function allocSweep(
  gpu: Gpu,
  keep: Scope,
  scope: Scope,
  { what, factor: { k, perm }, method }: SweepInput,
  candidates: readonly (readonly Group[])[],
  { jobs, groupCount }: StepPlan,
  columns: readonly number[],
): { shared: SweepTensors; scales: SliceScales[] } {
  const count = candidates.length;
  const tiles = columns.reduce((sum, n) => sum + n / TILE, 0);
  const shared = {
    ...{ k, tiles },
    perm: keep.upload(perm, `act-order of ${what}`),
    scaleMax: keep.alloc([groupCount], `scale units of ${what}`),
    u: scope.alloc([count, k, BLOCK_ROWS], `columns of the factor for ${what}`),
    jobs: scope.upload(jobs, 'jobs'),
    unit: scope.alloc([groupCount], 'group units'),
    partial: scope.alloc([count, tiles, SEARCH[method].factors], 'scale errors'),
  };
  gpu.zero(shared.unit);
  let firstTile = 0;
  const scales = columns.map((n) => {
    const own = {
      ...{ n, firstTile },
      current: scope.alloc([count, GROUP_ROWS, n], `group rows of ${what}`),
      base: scope.alloc([count, n], 'column scales'),
      scaleCodes: keep.alloc([groupCount, n], `scale codes of ${what}`),
    };
    firstTile += n / TILE;
    return own;
  });
  return { shared, scales };
}

/** Begins the blocks of a step: their rows take in the errors of all rows before. */
export function beginBlocks(
  gpu: Gpu,
  factor: HessianFactor,
  blocks: StepPlan['steps'][number]['blocks'],
  shared: SweepTensors,
  slices: readonly (SliceScales & SliceRows)[],
): void {
  takeFactorColumns(gpu, factor, blocks, shared);
  for (const slice of slices) {
    const runJobs = (start: number, jobCount: number) =>
      gpu.run(blockUpdate, { ...shared, ...slice, job: blocks.job + start, jobCount });
    inParts(gpu, blocks.jobCount, 2 * BLOCK_ROWS * shared.k * slice.n, runJobs, 1);
  }
}

/** Takes the columns of the factor that blocks read, up to row `end`, from the panels that have any of them. */
function takeFactorColumns(
  gpu: Gpu,
  { k, inverse }: HessianFactor,
  { job, jobCount, end: rowEnd }: Jobs & { readonly end: number },
  { jobs, u }: SweepTensors,
): void {
  for (const { start: first, end, tensor: x } of inverse.panels) {
    if (k - end >= rowEnd) continue; // rows of U from there on
    gpu.run(factorColumns, { k, first, rows: end - first, job, jobCount, x, jobs, u });
  }
}

/** Brings a slice's groups up to date, and fits a scale to each of their columns. */
export function fitScales(gpu: Gpu, slice: Slice & Jobs): void {
  gpu.run(groupUpdate, slice);
  gpu.run(columnScale, slice);
}

/** Chooses the groups' scales: their units by the errors in all slices. */
export function chooseScales(
  gpu: Gpu,
  method: QuantizerMethod,
  slices: readonly (SweepTensors & SliceScales & Jobs)[],
): void {
  for (const slice of slices) {
    if (method === 'refined') gpu.run(scaleSearch, slice);
    else gpu.run(scaleError, slice);
  }
  gpu.run(scaleChoice, { ...slices[0]!, ...SEARCH[method] });
  if (method !== 'refined') return;
  for (const slice of slices) gpu.run(columnCode, slice);
}
