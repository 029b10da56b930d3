import type { Group } from '../exl2/params.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { Scope } from '../gpu/scope.ts';
import { type GpuTensor, view } from '../gpu/tensor.ts';
import { columnScale } from '../kernels/gptq/column_scale.ts';
import { groupSweep } from '../kernels/gptq/group_sweep.ts';
import { groupUpdate } from '../kernels/gptq/group_update.ts';
import { scaleChoice } from '../kernels/gptq/scale_choice.ts';
import { scaleError } from '../kernels/gptq/scale_error.ts';
import { assert } from '../util/errors.ts';
import type { HessianFactor } from './factor.ts';
import { type GpuLinear, rowTable } from './gpu-linear.ts';

/** Rows of the largest group. */
const GROUP_ROWS = 128;
/** Factors that the scale search tries, and columns of one of its tiles. */
const FACTORS = 97;
const TILE = 32;

/** A weight (k, n) f32 in input-feature order, n a multiple of 32, with the factor of its input's Hessian. */
export interface QuantizerInput {
  readonly what: string;
  readonly w: GpuTensor;
  readonly n: number;
  readonly factor: HessianFactor;
}

/**
 * Quantizes one weight by every set of groups (section 7 of the format's description in `src/exl2/README.md`).
 * Candidates are independent; as many as fit run side by side, group by group.
 * @param keep scope that owns the results.
 * @returns one quantized linear for each entry of `candidates`, in order.
 */
export function quantizeCandidates(
  gpu: Gpu,
  keep: Scope,
  input: QuantizerInput,
  candidates: readonly (readonly Group[])[],
): GpuLinear[] {
  const results: GpuLinear[] = [];
  const size = batchSize(gpu, input.factor.k, input.n, candidates.length);
  for (let first = 0; first < candidates.length; first += size) {
    results.push(...quantizeBatch(gpu, keep, input, candidates.slice(first, first + size)));
  }
  return results;
}

/** Candidates that run together: errors (k, n) f32, codes (k, n) bytes and the rows of one group for each. */
function batchSize(gpu: Gpu, k: number, n: number, wanted: number): number {
  const errors = k * n * 4;
  const each = errors + k * n + GROUP_ROWS * n * 4 + (n / TILE) * FACTORS * 4;
  const largest = Math.min(gpu.device.limits.maxStorageBufferBindingSize, gpu.device.limits.maxBufferSize);
  const fit = Math.min(Math.floor((gpu.memory.available * 0.9) / each), Math.floor(largest / errors));
  return Math.max(1, Math.min(wanted, fit));
}

function quantizeBatch(
  gpu: Gpu,
  keep: Scope,
  { what, w, n, factor }: QuantizerInput,
  candidates: readonly (readonly Group[])[],
): GpuLinear[] {
  const { k } = factor;
  const count = candidates.length;
  const groupCount = candidates.reduce((sum, groups) => sum + groups.length, 0);
  const perm = keep.upload(factor.perm, `act-order of ${what}`);
  const codes = keep.alloc([count, k / 4, n], `codes of ${what}`);
  const scaleCodes = keep.alloc([groupCount, n], `scale codes of ${what}`);
  const scaleMax = keep.alloc([groupCount], `scale units of ${what}`);
  const scope = new Scope(gpu);
  try {
    const work = {
      current: scope.alloc([count, GROUP_ROWS, n], `group rows of ${what}`),
      base: scope.alloc([count, n], 'column scales'),
      unit: scope.alloc([groupCount], 'group units'),
      partial: scope.alloc([count, n / TILE, FACTORS], 'scale errors'),
      e: scope.alloc([count, k, n], `errors of ${what}`),
    };
    const plan = planSteps(candidates);
    const jobs = scope.upload(plan.jobs, 'jobs');
    gpu.zero(work.unit);
    for (const { job, jobCount } of plan.steps) {
      const step = { k, n, job, jobCount, jobs, u: factor.hessianInv, w, perm, codes, scaleCodes, scaleMax };
      runStep(gpu, { ...step, ...work });
    }
  } finally {
    scope.freeAll();
  }
  let firstGroup = 0;
  return candidates.map((groups, i) => {
    const first = firstGroup;
    firstGroup += groups.length;
    const rows = keep.upload(rowTable(k, groups, first), 'row table');
    const own = view(codes, (i * k * n) / 4, [k / 4, n]);
    return { k, n, groups, codes: own, scaleCodes, scaleMax, firstGroup: first, rows, perm };
  });
}

type StepArguments = Readonly<
  Record<'k' | 'n' | 'job' | 'jobCount', number> &
    Record<
      | 'jobs'
      | 'u'
      | 'w'
      | 'perm'
      | 'codes'
      | 'scaleCodes'
      | 'scaleMax'
      | 'current'
      | 'base'
      | 'unit'
      | 'partial'
      | 'e',
      GpuTensor
    >
>;

/** One group of every candidate that has one left. */
function runStep(gpu: Gpu, args: StepArguments): void {
  gpu.run(groupUpdate, args);
  gpu.run(columnScale, args);
  gpu.run(scaleError, args);
  gpu.run(scaleChoice, { ...args, tiles: args.n / TILE });
  gpu.run(groupSweep, args);
}

/** Step i does group i of each candidate; six words a job, as the kernels read them. */
function planSteps(candidates: readonly (readonly Group[])[]) {
  const words: number[] = [];
  const steps: { job: number; jobCount: number }[] = [];
  const firstGroups = candidates.map((_, i) => candidates.slice(0, i).reduce((sum, g) => sum + g.length, 0));
  const longest = Math.max(...candidates.map((groups) => groups.length));
  for (let step = 0; step < longest; step++) {
    const job = words.length / 6;
    candidates.forEach((groups, candidate) => {
      const group = groups[step];
      if (!group) return;
      assert(group.end - group.start <= GROUP_ROWS, `group of ${group.end - group.start} rows`);
      words.push(candidate, group.start, group.end, group.bits, step, firstGroups[candidate]! + step);
    });
    steps.push({ job, jobCount: words.length / 6 - job });
  }
  return { steps, jobs: Uint32Array.from(words) };
}
