/** Which GPUs a job works on, and what they come to together. */

import type { GpuChoice, GpuFacts } from './api/gpu.ts';
import { gpusOf, type JobOptions } from './api/options.ts';

/** The GPU of each worker but the first, which leads. */
export const otherGpusOf = (options: Pick<JobOptions, 'gpus' | 'workers'>): GpuChoice[] =>
  gpusOf(options)
    .flatMap((gpu) => Array.from({ length: options.workers ?? 1 }, () => gpu))
    .slice(1);

/** GPUs that share a job, as if they were one: as fast as all, and what each of them can hold. */
export function asOneGpu(gpus: readonly GpuFacts[]): GpuFacts {
  const sum = (of: (gpu: GpuFacts) => number) => gpus.reduce((total, gpu) => total + of(gpu), 0);
  const least = (of: (gpu: GpuFacts) => number) => Math.min(...gpus.map(of));
  const [first, ...others] = gpus;
  return {
    name: gpus.map(({ name }) => name).join(' and '),
    software: gpus.some(({ software }) => software),
    features: first!.features.filter((feature) => others.every(({ features }) => features.includes(feature))),
    maxBufferBytes: least(({ maxBufferBytes }) => maxBufferBytes),
    budgetBytes: least(({ budgetBytes }) => budgetBytes),
    flopsPerSecond: sum(({ flopsPerSecond }) => flopsPerSecond),
    // One without matrix units does those products as the others.
    matrixFlopsPerSecond: sum(({ flopsPerSecond, matrixFlopsPerSecond }) =>
      Math.max(flopsPerSecond, matrixFlopsPerSecond),
    ),
  };
}
