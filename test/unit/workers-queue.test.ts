/** In which order jobs run, and what does not stop the next one; with GPU workers that do as they are told. */

import { beforeEach, expect, test, vi } from 'vitest';
import type { JobRecord } from '../../workers/api/jobs.ts';
import type { JobOptions } from '../../workers/api/options.ts';
import type { GpuJob } from '../../workers/gpu-api.ts';
import type { GpuClient } from '../../workers/gpu-client.ts';
import type { JobBoard } from '../../workers/job-board.ts';
import { JobQueue } from '../../workers/job-queue.ts';
import { JobRunner } from '../../workers/job-runner.ts';
import type { JobEntry } from '../../workers/job-store.ts';

const locks = vi.hoisted(() => ({ held: new Set<string>() }));

vi.mock('../../workers/job-lock.ts', () => ({
  lockJob: async (id: string) => {
    if (locks.held.has(id)) throw new Error(`${id} is locked`);
    locks.held.add(id);
    return () => void locks.held.delete(id);
  },
}));
vi.mock('../../workers/job-steps.ts', () => ({
  targetStep: ({ record }: JobEntry) => ({ id: record.id }),
  readMeasurement: async () => ({}),
  targetResult: async (_: unknown, bits: number) => ({ bits }),
}));
vi.mock('../../workers/places.ts', () => ({
  STORED: { target: () => 'target' },
  clearTarget: async () => {},
}));
vi.mock('../../src/io/platform/storage/storage.ts', () => ({ removeStorage: async () => {} }));

beforeEach(() => locks.held.clear());

/** A job of one bitrate, measured already. */
function entryOf(
  id: string,
  options: Partial<JobOptions> = {},
  output: object = { kind: 'storage' },
): JobEntry {
  return {
    record: { id, measured: true, targets: [{ bits: 4 }], results: [], options, model: { name: 'tiny' } },
    source: { kind: 'demo' },
    output,
  } as unknown as JobEntry;
}

/** A queue of these jobs over two GPUs. */
function setUp(...jobs: JobEntry[]) {
  const entries = new Map(jobs.map((entry) => [entry.record.id, entry]));
  const get = async (id: string) => entries.get(id)!;
  const change = async (id: string, record: Partial<JobRecord>) => {
    const entry = entries.get(id)!;
    const changed = { ...entry, record: { ...entry.record, ...record } };
    entries.set(id, changed);
    return changed;
  };
  const board = { get, change, tell: () => {} } as unknown as JobBoard;
  /** What each run of the engine waits for. */
  const runs = new Map<string, { end: () => void; fail: (error: Error) => void }>();
  const gpu = (): GpuClient => {
    let cancel: () => void = () => {};
    const run = ({ id }: GpuJob) =>
      new Promise<object>((resolve, reject) => {
        runs.set(id, { end: () => resolve({}), fail: reject });
        cancel = () => reject(new DOMException('cancelled', 'AbortError'));
      });
    const nothing = async () => {};
    const worker = { run, cancel: async () => cancel(), pause: nothing, unpause: nothing };
    return { worker } as unknown as GpuClient;
  };
  const queue = new JobQueue(board, {
    'high-performance': new JobRunner(board, gpu()),
    'low-power': new JobRunner(board, gpu()),
  });
  const states = () => jobs.map(({ record: { id } }) => entries.get(id)!.record.state);
  const inOrder = () =>
    [...entries.values()]
      .map(({ record }) => record)
      .filter(({ state }) => state === 'waiting')
      .sort((a, b) => a.queued! - b.queued!)
      .map(({ id }) => id);
  return { queue, runs, states, inOrder };
}

/** Lets all that is ready go on. */
const settle = () => new Promise((resolve) => setTimeout(resolve));

test('jobs run one after the other, whatever the end of the one before', async () => {
  const { queue, runs, states } = setUp(...['a', 'b', 'c', 'd'].map((id) => entryOf(id)));
  for (const id of ['a', 'b', 'c', 'd']) await queue.add(id);
  await settle();
  expect(states()).toEqual(['running', 'waiting', 'waiting', 'waiting']);
  runs.get('a')!.end();
  await settle();
  expect(states()).toEqual(['done', 'running', 'waiting', 'waiting']);
  runs.get('b')!.fail(new Error('The disk is full'));
  await settle();
  expect(states()).toEqual(['done', 'failed', 'running', 'waiting']);
  await queue.cancel('c');
  await settle();
  expect(states()).toEqual(['done', 'failed', 'cancelled', 'running']);
  runs.get('d')!.end();
  await settle();
  expect([states()[3], locks.held.size]).toEqual(['done', 0]);
});

test('a waiting job is cancelled without being started, and may wait again', async () => {
  const { queue, runs, states } = setUp(entryOf('a'), entryOf('b'), entryOf('c'));
  for (const id of ['a', 'b', 'c']) await queue.add(id);
  await queue.cancel('b');
  expect([queue.has('b'), locks.held.has('b')]).toEqual([false, false]);
  runs.get('a')!.end();
  await settle();
  expect(states()).toEqual(['done', 'cancelled', 'running']);
  await queue.add('b');
  expect(states()).toEqual(['done', 'waiting', 'running']);
  await expect(queue.add('b')).rejects.toThrow(/waits already/);
  expect(runs.has('b')).toBe(false);
});

test('a job moves up place by place, and never past one that runs', async () => {
  const { queue, runs, inOrder, states } = setUp(...['a', 'b', 'c', 'd'].map((id) => entryOf(id)));
  for (const id of ['a', 'b', 'c', 'd']) await queue.add(id);
  await queue.moveUp('d');
  expect(inOrder()).toEqual(['b', 'd', 'c']);
  await queue.moveUp('d');
  await queue.moveUp('d');
  expect(inOrder()).toEqual(['d', 'b', 'c']);
  await queue.moveUp('a');
  runs.get('a')!.end();
  await settle();
  expect([states(), inOrder()]).toEqual([
    ['done', 'waiting', 'waiting', 'running'],
    ['b', 'c'],
  ]);
});

test('a folder that is locked at its turn skips the job, not the ones behind it', async () => {
  const handle = { name: 'Models', queryPermission: async () => 'prompt' };
  const { queue, runs, states } = setUp(
    entryOf('a'),
    entryOf('b', {}, { kind: 'handle', handle }),
    entryOf('c'),
  );
  for (const id of ['a', 'b', 'c']) await queue.add(id);
  runs.get('a')!.end();
  await settle();
  expect(states()).toEqual(['done', 'failed', 'running']);
});

test('what fails while a job is prepared leaves the queue as it was', async () => {
  const { queue, states } = setUp(entryOf('a'), entryOf('b'));
  await queue.add('a');
  const refused = queue.add('b', async () => {
    throw new Error('Another folder');
  });
  await expect(refused).rejects.toThrow('Another folder');
  expect([queue.has('b'), locks.held.has('b'), states()[1]]).toEqual([false, false, undefined]);
});

test('two jobs of the queue never write to the same folder', async () => {
  const folder = (name: string) => {
    const handle = { name, isSameEntry: async (other: { name: string }) => other.name === name };
    return { kind: 'handle', handle: { ...handle, queryPermission: async () => 'granted' } };
  };
  const jobs = [
    entryOf('a', {}, folder('one')),
    entryOf('b', {}, folder('one')),
    entryOf('c', {}, folder('other')),
  ];
  const { queue, runs } = setUp(...jobs);
  await queue.add('a');
  const accepted = vi.fn(async () => {});
  const refused = queue.add('b', async (entry) => entry, accepted);
  await expect(refused).rejects.toThrow(/makes tiny-4bpw-exl2 in the same folder/);
  expect(accepted).not.toHaveBeenCalled();
  await queue.add('c');
  await settle();
  runs.get('a')!.end();
  await settle();
  await queue.add('b', async (entry) => ({ ...entry, diskBytes: 7 }), accepted);
  expect(queue.has('b')).toBe(true);
  expect(accepted.mock.calls).toEqual([[jobs[1], { ...jobs[1], diskBytes: 7 }]]);
});

test('a second GPU runs its own jobs beside the first; places are counted on each', async () => {
  const slow = { gpus: ['low-power'] } as const;
  const jobs = [entryOf('a'), entryOf('b', slow), entryOf('c', slow), entryOf('d'), entryOf('e', slow)];
  const { queue, runs, states, inOrder } = setUp(...jobs);
  for (const id of ['a', 'b', 'c', 'd', 'e']) await queue.add(id);
  await settle();
  expect(states()).toEqual(['running', 'running', 'waiting', 'waiting', 'waiting']);
  await queue.moveUp('e');
  expect(inOrder()).toEqual(['e', 'd', 'c']);
  await queue.moveUp('d');
  expect(inOrder()).toEqual(['e', 'd', 'c']);
  runs.get('b')!.end();
  await settle();
  expect(states()).toEqual(['running', 'done', 'waiting', 'waiting', 'running']);
});

test('a job on both GPUs waits until both are free, and nobody passes it', async () => {
  const both = { gpus: ['high-performance', 'low-power'] } as const;
  const slow = { gpus: ['low-power'] } as const;
  const jobs = [entryOf('a'), entryOf('b', slow), entryOf('c', both), entryOf('d', slow), entryOf('e')];
  const { queue, runs, states } = setUp(...jobs);
  for (const id of ['a', 'b', 'c', 'd', 'e']) await queue.add(id);
  await settle();
  runs.get('b')!.end();
  await settle();
  expect(states()).toEqual(['running', 'done', 'waiting', 'waiting', 'waiting']);
  runs.get('a')!.end();
  await settle();
  expect(states()).toEqual(['done', 'done', 'running', 'waiting', 'waiting']);
  runs.get('c')!.end();
  await settle();
  expect(states()).toEqual(['done', 'done', 'done', 'running', 'running']);
});

test('what a job on both GPUs held up starts when that is passed or cancelled', async () => {
  const both = { gpus: ['high-performance', 'low-power'] } as const;
  const jobs = [entryOf('a', { gpus: ['low-power'] }), entryOf('b', both), entryOf('c'), entryOf('d')];
  const { queue, runs, states } = setUp(...jobs);
  for (const id of ['a', 'b', 'c', 'd']) await queue.add(id);
  await queue.moveUp('c');
  await settle();
  expect(states()).toEqual(['running', 'waiting', 'running', 'waiting']);
  runs.get('c')!.end();
  await settle();
  await queue.cancel('b');
  await settle();
  expect(states()).toEqual(['running', 'cancelled', 'done', 'running']);
});

test('there is something to wait for until the last job has ended', async () => {
  const { queue, runs } = setUp(entryOf('a'), entryOf('b', { gpus: ['low-power'] }));
  queue.requireIdle();
  await queue.add('a');
  await queue.add('b');
  await settle();
  runs.get('a')!.end();
  await settle();
  expect(() => queue.requireIdle()).toThrow(/under way or wait/);
  expect(() => queue.runnerOf('a')).toThrow(/not under way in this tab/);
  runs.get('b')!.end();
  await settle();
  queue.requireIdle();
});
