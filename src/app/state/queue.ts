/** What is under way and what waits, as the page shows it. */

import type { GpuChoice } from '../../../workers/api/gpu.ts';
import type { JobRecord } from '../../../workers/api/jobs.ts';
import { type Gpus, gpusOf } from '../../../workers/api/options.ts';
import type { LiveJob } from './live-job.ts';
import { plannedSeconds, timeLeft } from './time-left.ts';

export interface Queue {
  /** Running or paused. */
  readonly active: readonly LiveJob[];
  /** In the order of their turns. */
  readonly waiting: readonly LiveJob[];
}

const isActive = ({ state }: JobRecord): boolean => state === 'running' || state === 'paused';

/** Whether a job waits or is under way in this tab. */
export const isQueued = (record: JobRecord): boolean =>
  !record.elsewhere && (isActive(record) || record.state === 'waiting');

export function queueOf(jobs: readonly LiveJob[]): Queue {
  const queued = jobs.filter((job) => isQueued(job.record.value));
  return {
    active: inOrder(queued.filter((job) => isActive(job.record.value))),
    waiting: inOrder(queued.filter((job) => !isActive(job.record.value))),
  };
}

/** Jobs as they stand or stood in the queue. */
export const inOrder = (jobs: readonly LiveJob[]): LiveJob[] =>
  jobs.toSorted(({ record: { value: a } }, { record: { value: b } }) => (a.queued ?? 0) - (b.queued ?? 0));

/** The part of the queue that works on any of these GPUs. */
export function queueOn({ active, waiting }: Queue, gpus: Gpus): Queue {
  const isThere = ({ record }: LiveJob) => gpusOf(record.value.options).some((gpu) => gpus.includes(gpu));
  return { active: active.filter(isThere), waiting: waiting.filter(isThere) };
}

export const isEmpty = ({ active, waiting }: Queue): boolean => active.length + waiting.length === 0;

/** Whether a job would start on these GPUs at once. */
export const isFree = (queue: Queue, gpus: Gpus): boolean => isEmpty(queueOn(queue, gpus));

/** Whether anything is computed, or will be without anybody's doing. */
export const isWorking = ({ active, waiting }: Queue): boolean =>
  active.some((job) => job.record.value.state === 'running') || (active.length === 0 && waiting.length > 0);

/** The queue without a waiting job and those behind it. */
const upTo = ({ active, waiting }: Queue, job: LiveJob): Queue => ({
  active,
  waiting: waiting.slice(0, waiting.indexOf(job)),
});

/** What a waiting job waits for: the part of the queue before it on its GPUs. */
export const before = (queue: Queue, job: LiveJob): Queue =>
  queueOn(upTo(queue, job), gpusOf(job.record.value.options));

/** Seconds until a waiting job starts, as `secondsUntilFree`. */
export const secondsUntilStart = (queue: Queue, job: LiveJob): number | undefined =>
  secondsUntilFree(upTo(queue, job), gpusOf(job.record.value.options));

/** Seconds until all of the queue on these GPUs has ended; undefined while nobody knows, or a job is paused. */
export function secondsUntilFree({ active, waiting }: Queue, gpus: Gpus): number | undefined {
  const lines = new Map<GpuChoice, { end: number; pace: number }>();
  const line = (gpu: GpuChoice) => lines.get(gpu) ?? { end: 0, pace: 1 };
  const set = ({ record }: LiveJob, end: number, pace: number) => {
    for (const gpu of gpusOf(record.value.options)) lines.set(gpu, { end, pace });
  };
  for (const job of active) {
    const left = timeLeft(job.view.value, job.estimate.value);
    const isGoing = left && job.record.value.state !== 'paused';
    set(job, isGoing ? left.seconds : Number.POSITIVE_INFINITY, left?.pace ?? 1);
  }
  for (const job of waiting) {
    // It starts when the last of its GPUs is free.
    const begins = gpusOf(job.record.value.options).map(line);
    const { end, pace } = begins.reduce((last, each) => (each.end > last.end ? each : last));
    set(job, end + (plannedSeconds(job.record.value) ?? Number.POSITIVE_INFINITY) * pace, pace);
  }
  const seconds = Math.max(...gpus.map((gpu) => line(gpu).end));
  return Number.isFinite(seconds) ? seconds : undefined;
}
