/** What is under way and what waits, as the page shows it. */

import type { GpuChoice, JobRecord } from '../../../workers/api.ts';
import type { LiveJob } from './live-job.ts';
import { plannedSeconds, timeLeft } from './time-left.ts';

export interface Queue {
  /** Running or paused. */
  readonly active: readonly LiveJob[];
  /** In the order of their turns. */
  readonly waiting: readonly LiveJob[];
}

export const gpuOf = ({ options }: JobRecord): GpuChoice => options.gpu ?? 'high-performance';

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

/** The part of the queue that one GPU works on. */
export function queueOn({ active, waiting }: Queue, gpu: GpuChoice): Queue {
  const isThere = ({ record }: LiveJob) => gpuOf(record.value) === gpu;
  return { active: active.filter(isThere), waiting: waiting.filter(isThere) };
}

export const isEmpty = ({ active, waiting }: Queue): boolean => active.length + waiting.length === 0;

/** Whether a job would start on this GPU at once. */
export const isFree = (queue: Queue, gpu: GpuChoice): boolean => isEmpty(queueOn(queue, gpu));

/** Whether anything is computed, or will be without anybody's doing. */
export const isWorking = ({ active, waiting }: Queue): boolean =>
  active.some((job) => job.record.value.state === 'running') || (active.length === 0 && waiting.length > 0);

/** What a waiting job waits for: the part of the queue before it on its GPU. */
export function before(queue: Queue, job: LiveJob): Queue {
  const { active, waiting } = queueOn(queue, gpuOf(job.record.value));
  return { active, waiting: waiting.slice(0, waiting.indexOf(job)) };
}

/** Seconds until all of a queue on one GPU has ended; undefined while nobody knows, or it is paused. */
export function secondsUntilFree({ active, waiting }: Queue): number | undefined {
  let seconds = 0;
  let pace = 1;
  for (const job of active) {
    const left = timeLeft(job.view.value, job.estimate.value);
    if (!left || job.record.value.state === 'paused') return undefined;
    seconds += left.seconds;
    pace = left.pace;
  }
  for (const job of waiting) {
    const planned = plannedSeconds(job.record.value);
    if (planned === undefined) return undefined;
    seconds += planned * pace;
  }
  return seconds;
}
