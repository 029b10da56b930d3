/** How a job gets over losses of the GPU, and what stops it; with a GPU worker that does as it is told. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { JobUpdate } from '../../workers/api/jobs.ts';
import type { GpuJob, RunListener, RunOutcome } from '../../workers/gpu-api.ts';
import type { GpuClient } from '../../workers/gpu-client.ts';
import type { JobBoard } from '../../workers/job-board.ts';
import { JobRunner } from '../../workers/job-runner.ts';
import type { JobEntry } from '../../workers/job-store.ts';

/** What is read of what was measured, one time after the other; then what is whole. */
const { measurements } = vi.hoisted(() => ({ measurements: [] as unknown[] }));
const { openRecorder } = vi.hoisted(() => ({ openRecorder: vi.fn() }));

vi.mock('../../workers/job-steps.ts', () => ({
  measureStep: () => ({ work: 'measure' }),
  targetStep: (_: unknown, { bits }: { bits: number }) => ({ work: `target ${bits}` }),
  readMeasurement: async () => (measurements.length > 0 ? measurements.shift() : {}),
  targetResult: async (_: unknown, bits: number) => ({ bits }),
}));
vi.mock('../../workers/places.ts', () => ({ clearTarget: async () => {} }));
vi.mock('../../workers/job-recorder.ts', () => ({ openRecorder }));

type Script = (job: GpuJob, listener: RunListener) => Promise<RunOutcome>;

/** A runner over one job, whose engine runs by `script`. */
function setUp(script: Script, record: object = {}) {
  let entry = {
    record: { id: 'a', measured: true, targets: [{ bits: 4 }], results: [], ...record },
    source: { kind: 'demo' },
    output: { kind: 'storage' },
  } as unknown as JobEntry;
  const updates: JobUpdate[] = [];
  const calls: string[] = [];
  const states: string[] = [];
  const board = {
    get: async () => entry,
    async change(_: string, changed: object) {
      entry = { ...entry, record: { ...entry.record, ...changed } };
      if ('state' in changed) states.push(entry.record.state);
      return entry;
    },
    tell: (update: JobUpdate) => void updates.push(update),
  };
  const note = (name: string) => async () => void calls.push(name);
  const worker = { run: script, pause: note('pause'), unpause: note('unpause'), cancel: note('cancel') };
  const gpu = { worker, restart: () => void calls.push('restart') };
  const runner = new JobRunner(board as unknown as JobBoard, gpu as unknown as GpuClient);
  const ended = async () => {
    await vi.advanceTimersByTimeAsync(60_000);
    expect(['running', 'paused']).not.toContain(states.at(-1));
  };
  const setOutput = (output: object) => {
    entry = { ...entry, output } as JobEntry;
  };
  return { runner, worker, updates, calls, states, ended, setOutput, record: () => entry.record };
}

const lost = () => Object.assign(new Error('The GPU device was lost (sleep).'), { name: 'DeviceLostError' });
const noAdapter = () => Object.assign(new Error('no GPU'), { name: 'UnsupportedError' });
const moduleDone = { type: 'events', events: [{ type: 'module', resumed: false }] } as never;

beforeEach(
  () =>
    void vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout'],
      shouldAdvanceTime: true,
      advanceTimeDelta: 500,
    }),
);
afterEach(() => void vi.useRealTimers());

test('measures, then makes each bitrate that it has not made', async () => {
  const steps: string[] = [];
  const script: Script = async ({ work }) => {
    steps.push(work);
    return {};
  };
  const job = setUp(script, {
    measured: false,
    targets: [{ bits: 4 }, { bits: 3 }, { bits: 2.5 }],
    results: [{ bits: 3 }],
  });
  void job.runner.run('a');
  await job.ended();
  expect(steps).toEqual(['measure', 'target 4', 'target 2.5']);
  expect(job.record()).toMatchObject({
    state: 'done',
    measured: true,
    results: [{ bits: 3 }, { bits: 4 }, { bits: 2.5 }],
  });
});

test('measures again what was measured and damaged since', async () => {
  const steps: string[] = [];
  measurements.push(undefined);
  const job = setUp(async ({ work }) => {
    steps.push(work);
    return {};
  });
  void job.runner.run('a');
  await job.ended();
  expect(steps).toEqual(['measure', 'target 4']);
  expect(job.record()).toMatchObject({ state: 'done', measured: true });
});

test('without bitrates it waits for the user after measuring', async () => {
  const job = setUp(async () => ({}), { measured: false, targets: [] });
  void job.runner.run('a');
  await job.ended();
  expect(job.states).toEqual(['running', 'choosing']);
});

test('goes on by itself after three losses in a row, and finding no adapter right after one', async () => {
  const failures = [lost(), noAdapter(), lost()];
  const job = setUp(async () => {
    const failure = failures.shift();
    if (failure) throw failure;
    return {};
  });
  void job.runner.run('a');
  await job.ended();
  expect(job.record().state).toBe('done');
  expect(job.calls).toEqual(['restart', 'restart', 'restart']);
  expect(job.updates.filter(({ type }) => type === 'events')).toHaveLength(3);
});

test('the fourth loss without a module finished in between ends the job, with what to do', async () => {
  const job = setUp(async () => {
    throw lost();
  });
  void job.runner.run('a');
  await job.ended();
  expect(job.record()).toMatchObject({
    state: 'failed',
    error: {
      name: 'DeviceLostError',
      message: expect.stringMatching(/lost 4 times .* allow less GPU memory/),
    },
  });
});

test('losses do not add up while modules are finished in between', async () => {
  let runs = 0;
  const job = setUp(async (_, listener) => {
    runs++;
    listener(moduleDone);
    if (runs <= 8) throw lost();
    return {};
  });
  void job.runner.run('a');
  await job.ended();
  expect([runs, job.record().state]).toEqual([9, 'done']);
});

test('no adapter from the start, or a wrong input, is not tried again', async () => {
  const job = setUp(async () => {
    throw noAdapter();
  });
  void job.runner.run('a');
  await job.ended();
  expect([job.calls, job.record().error]).toEqual([[], { name: 'UnsupportedError', message: 'no GPU' }]);
});

test('a paused job stays paused over a loss, and does not hold up the next one', async () => {
  let fail: (error: Error) => void = () => {};
  let runs = 0;
  const job = setUp(() => {
    runs++;
    if (runs > 1) return Promise.resolve({});
    return new Promise((_, reject) => {
      fail = reject;
    });
  });
  void job.runner.run('a');
  await vi.advanceTimersByTimeAsync(10);
  await job.runner.pause();
  fail(lost());
  await job.ended();
  expect(job.calls).toEqual(['pause', 'restart', 'pause', 'unpause']);
});

test.each(['pause', 'unpause'] as const)(
  'a job that is told to %s while its worker is lost obeys with the next one, and goes on',
  async (order) => {
    let fail: (error: Error) => void = () => {};
    let runs = 0;
    const job = setUp(() => {
      runs++;
      if (runs > 1) return Promise.resolve({});
      return new Promise((_, reject) => {
        fail = reject;
      });
    });
    void job.runner.run('a');
    await vi.advanceTimersByTimeAsync(10);
    if (order === 'unpause') await job.runner.pause();
    const answer = job.worker[order];
    job.worker[order] = () => Promise.reject(lost());
    await job.runner[order]();
    expect(job.states.at(-1)).toBe(order === 'pause' ? 'paused' : 'running');
    job.worker[order] = answer;
    fail(lost());
    await job.ended();
    const next = order === 'pause' ? ['restart', 'pause', 'unpause'] : ['pause', 'restart'];
    expect([job.calls, job.record().state]).toEqual([next, 'done']);
  },
);

test('cancelling breaks off a job that does not stop', async () => {
  let fail: (error: Error) => void = () => {};
  const job = setUp(
    () =>
      new Promise((_, reject) => {
        fail = reject;
      }),
  );
  void job.runner.run('a');
  await vi.advanceTimersByTimeAsync(10);
  const cancelled = job.runner.cancel();
  await vi.advanceTimersByTimeAsync(1000);
  expect(job.calls).toEqual(['cancel']);
  await vi.advanceTimersByTimeAsync(5000);
  expect(job.calls).toEqual(['cancel', 'restart']);
  fail(new Error('The GPU worker was stopped.'));
  await cancelled;
  expect(job.states).toEqual(['running', 'cancelled']);
});

test('a folder that is locked when the job begins ends it before the engine runs', async () => {
  const handle = { name: 'out', queryPermission: async () => 'prompt' };
  const job = setUp(async () => {
    throw new Error('The engine ran');
  });
  job.setOutput({ kind: 'handle', handle });
  await job.runner.run('a');
  expect(job.record()).toMatchObject({
    state: 'failed',
    error: { name: 'PermissionError', message: expect.stringMatching(/write to the folder “out”.*go on/) },
  });
});

test('what a recorded job tells is recorded, with whether it is paused, and kept before its end is told', async () => {
  const seen: unknown[] = [];
  const close = vi.fn(async () => void seen.push(job.record().state));
  openRecorder.mockResolvedValueOnce({
    see: ({ type }: { type: string }, bits: unknown, isPaused: unknown) => seen.push([type, bits, isPaused]),
    close,
  });
  const job = setUp(
    async (_, listener) => {
      listener(moduleDone);
      await job.runner.pause();
      listener(moduleDone);
      await job.runner.unpause();
      return {};
    },
    { recorded: true },
  );
  void job.runner.run('a');
  await job.ended();
  expect(openRecorder).toHaveBeenCalledWith('a');
  expect(seen).toEqual([['events', 4, false], ['events', 4, true], 'running']);
  expect(job.record().state).toBe('done');
});
