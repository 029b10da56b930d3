import { expect, test } from 'vitest';
import { type LiveJob, liveJob } from '../../src/app/state/live-job.ts';
import {
  before,
  inOrder,
  isFree,
  isWorking,
  type Queue,
  queueOf,
  queueOn,
  secondsUntilFree,
  secondsUntilStart,
} from '../../src/app/state/queue.ts';
import { reduceJob } from '../../src/app/state/reduce-job.ts';
import { plannedSeconds, shareDone, timeLeft } from '../../src/app/state/time-left.ts';
import type { ConvertEvent } from '../../src/job/events.ts';
import type { GpuChoice } from '../../workers/api/gpu.ts';
import type { JobRecord } from '../../workers/api/jobs.ts';
import { newRecord, quickOptions } from '../support/page/mock-jobs.ts';
import { mockModel } from '../support/page/mock-model.ts';

const model = mockModel(null);
const targets = [
  { bits: 4, pinned: {} },
  { bits: 3, pinned: {} },
];
const options = quickOptions(4, 3);

/** Planned: 100 s to measure, and 30 s for each of two bitrates. */
const job = (id: string, change: Partial<JobRecord> = {}): LiveJob =>
  liveJob({ ...newRecord(id, model, options, targets, ''), times: { measure: 100, target: 30 }, ...change });

const tell = ({ view }: LiveJob, ...events: ConvertEvent[]): void => {
  view.value = reduceJob(view.value, { type: 'events', id: '', events }, 0);
};

const progress = (stage: 'measure' | 'quantize', done: number): ConvertEvent[] => [
  { type: 'stage', stage, state: 'started' },
  { type: 'progress', stage, done, total: 1000, unit: 'weights', detail: '' },
];

const ids = ({ active, waiting }: Queue) =>
  [active, waiting].map((jobs) => jobs.map((each) => each.record.value.id));
const result = { bits: 4 } as JobRecord['results'][number];

test('a job is planned by what it has not finished', () => {
  expect(plannedSeconds(job('a').record.value)).toBe(160);
  expect(plannedSeconds(job('a', { measured: true, results: [result] }).record.value)).toBe(30);
  const { times: _, ...old } = job('a').record.value;
  expect(plannedSeconds(old)).toBeUndefined();
});

test('the time left is planned at first, then as fast as the stage really goes', () => {
  const running = job('a', { state: 'running' });
  expect(timeLeft(running.view.value, undefined)).toEqual({ seconds: 160, pace: 1 });
  tell(running, ...progress('measure', 500));
  expect(timeLeft(running.view.value, undefined)).toEqual({ seconds: 160, pace: 1 });
  // 1000 weights at 5 a second are 200 s instead of 100.
  expect(timeLeft(running.view.value, { rate: 5, secondsLeft: 100 })).toEqual({
    seconds: 100 + 2 * 60,
    pace: 2,
  });
});

test('bitrates that are made, and the one under work, are not to come', () => {
  const running = job('a', { state: 'running', measured: true });
  tell(running, { type: 'stage', stage: 'measure', state: 'reused' });
  expect(timeLeft(running.view.value, undefined)?.seconds).toBe(60);
  tell(running, ...progress('quantize', 100));
  expect(timeLeft(running.view.value, { rate: 1000 / 30, secondsLeft: 27 })?.seconds).toBeCloseTo(27 + 30);
  const last = job('a', { state: 'running', measured: true, results: [result] });
  tell(
    last,
    { type: 'stage', stage: 'quantize', state: 'done' },
    { type: 'stage', stage: 'compile', state: 'started' },
  );
  expect(timeLeft(last.view.value, undefined)?.seconds).toBe(0);
});

test('the whole has one progress, by planned times: it never goes back where a stage begins', () => {
  const running = job('a', { state: 'running' });
  const share = () => Math.round(1000 * shareDone(running.view.value)!) / 1000;
  expect(share()).toBe(0);
  tell(running, ...progress('measure', 500));
  expect(share()).toBe(0.313); // 50 of 160 s
  tell(running, { type: 'stage', stage: 'measure', state: 'done' });
  expect(share()).toBe(0.625);
  tell(running, ...progress('quantize', 500));
  expect(share()).toBe(0.719);
  tell(running, { type: 'stage', stage: 'quantize', state: 'done' });
  expect(share()).toBe(0.813);
  tell(running, { type: 'stage', stage: 'evaluate', state: 'started' });
  expect(share()).toBe(0.813);
  const next = job('a', { state: 'running', measured: true, results: [result] });
  tell(next, ...progress('quantize', 500));
  expect(shareDone(next.view.value)).toBeCloseTo(145 / 160);
  const measuring = job('a', { state: 'running', options: { ...options, chooseAfterMeasuring: true } });
  tell(measuring, ...progress('measure', 500));
  expect(shareDone(measuring.view.value)).toBe(0.5);
});

test('what waits stands in the order of its turns, each GPU by itself', () => {
  const slow = { options: { ...options, gpus: ['low-power'] } } as const;
  const jobs = [
    job('d', { queued: 4 }),
    job('c', { queued: 3, ...slow }),
    job('b', { queued: 2 }),
    job('a', { state: 'running', queued: 1 }),
    job('z', { state: 'done' }),
    job('y', { state: 'running', elsewhere: true }),
  ];
  const queue = queueOf(jobs);
  expect(ids(queue)).toEqual([['a'], ['b', 'c', 'd']]);
  expect(ids(queueOn(queue, ['low-power']))).toEqual([[], ['c']]);
  expect(ids(before(queue, jobs[0]!))).toEqual([['a'], ['b']]);
  expect(ids(before(queue, jobs[1]!))).toEqual([[], []]);
  expect(isFree(queueOf([jobs[0]!]), ['low-power'])).toBe(true);
  expect(isFree(queueOf([jobs[0]!]), ['high-performance'])).toBe(false);
  expect(inOrder([jobs[0]!, job('old'), jobs[2]!]).map(({ record }) => record.value.id)).toEqual([
    'old',
    'b',
    'd',
  ]);
});

test('a job starts when all before it have ended, at the pace of the one that runs', () => {
  const running = job('a', { state: 'running', queued: 1 });
  tell(running, ...progress('measure', 500));
  running.estimate.value = { rate: 5, secondsLeft: 100 };
  const [next, last] = [job('b', { queued: 2, measured: true }), job('c', { queued: 3 })];
  const queue = queueOf([running, next, last]);
  expect(secondsUntilStart(queue, next)).toBe(220);
  expect(secondsUntilStart(queue, last)).toBe(220 + 2 * 60);
  const paused = queueOf([job('a', { state: 'paused' }), next]);
  expect(secondsUntilStart(paused, next)).toBeUndefined();
});

test('a job on both GPUs starts when both are free, and holds up both', () => {
  const on = (...gpus: [GpuChoice, ...GpuChoice[]]) => ({ options: { ...options, gpus } });
  const running = job('a', { state: 'running', queued: 1, measured: true, results: [result] });
  const other = job('b', { state: 'running', queued: 2, ...on('low-power') });
  const shared = job('c', { queued: 3, measured: true, ...on('high-performance', 'low-power') });
  const behind = job('d', { queued: 4, measured: true });
  const queue = queueOf([running, other, shared, behind]);
  expect(secondsUntilStart(queue, shared)).toBe(160);
  expect(secondsUntilStart(queue, behind)).toBe(160 + 60);
  expect(secondsUntilFree(queue, ['low-power'])).toBe(160 + 60);
  expect(secondsUntilFree(queue, ['high-performance'])).toBe(160 + 2 * 60);
  expect(ids(before(queue, behind))).toEqual([['a'], ['c']]);
  expect(isFree(queueOf([shared]), ['low-power'])).toBe(false);
});

test('a queue is at work between two jobs too, but not behind a paused one', () => {
  expect(isWorking(queueOf([job('a', { state: 'running' })]))).toBe(true);
  expect(isWorking(queueOf([job('a', { state: 'done' }), job('b')]))).toBe(true);
  expect(isWorking(queueOf([job('a', { state: 'paused' }), job('b')]))).toBe(false);
  expect(isWorking(queueOf([job('a', { state: 'interrupted' })]))).toBe(false);
});
