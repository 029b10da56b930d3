/** What a click does to a job, and what a second one does not. */

import { expect, test, vi } from 'vitest';
import { JobList } from '../../src/app/state/job-list.ts';
import type { CoordinatorApi } from '../../workers/api/coordinator.ts';
import type { JobRecord, JobState } from '../../workers/api/jobs.ts';
import { newRecord, quickOptions } from '../support/page/mock-jobs.ts';
import { mockModel } from '../support/page/mock-model.ts';

const model = mockModel(null);
const options = quickOptions(4);

const recordOf = (id: string, state: JobState): JobRecord => ({
  ...newRecord(id, model, options, [], ''),
  state,
});

/** Jobs `a`, `b`, … in these states, with a coordinator that answers as told. */
async function setUp(states: readonly JobState[], api: Partial<CoordinatorApi>) {
  const records = states.map((state, i) => recordOf('abc'[i]!, state));
  const jobs = new JobList({
    jobs: async () => records,
    handles: async () => [],
    ...api,
  } as unknown as CoordinatorApi);
  await jobs.load();
  const failure = (id: string) => jobs.get(id)!.failure.value?.message;
  return { jobs, failure };
}

/** A call that is answered from outside. */
function pending() {
  let answer: () => void = () => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  return { call: vi.fn((_: string) => answered), answer: () => answer() };
}

test('a second click while a job is on its way does nothing; a later one does', async () => {
  const resume = pending();
  const { jobs, failure } = await setUp(['interrupted'], { resume: resume.call });
  const first = jobs.resume('a');
  await jobs.resume('a');
  resume.answer();
  await first;
  expect([resume.call.mock.calls.length, failure('a')]).toEqual([1, undefined]);
  await jobs.resume('a');
  expect(resume.call).toHaveBeenCalledTimes(2);
});

test('a second click on “Go on with all” asks and resumes nothing again', async () => {
  const resume = pending();
  const handles = vi.fn(async (_: string) => []);
  const { jobs } = await setUp(['interrupted', 'interrupted'], { resume: resume.call, handles });
  const clicks = [jobs.resumeAll(), jobs.resumeAll(), jobs.resume('b')];
  resume.answer();
  await Promise.all(clicks);
  expect([handles.mock.calls, resume.call.mock.calls]).toEqual([
    [['a'], ['b']],
    [['a'], ['b']],
  ]);
});

test('a job is cancelled even while a step before it is not answered', async () => {
  const cancel = vi.fn(async () => {});
  const { jobs } = await setUp(['running'], { pause: pending().call, cancel });
  void jobs.steer('a', 'pause');
  await jobs.steer('a', 'cancel');
  expect(cancel).toHaveBeenCalledTimes(1);
});

test('a failure is past when the job waits or runs again, and not before', async () => {
  const { jobs, failure } = await setUp(['interrupted'], {
    resume: () => Promise.reject(new Error('It is under way in another tab')),
  });
  const tell = (state: JobState) => jobs.receive({ type: 'record', record: recordOf('a', state) });
  for (const state of ['waiting', 'running'] as const) {
    await jobs.resume('a');
    tell('interrupted');
    expect(failure('a')).toMatch(/another tab/);
    tell(state);
    expect(failure('a')).toBeUndefined();
    tell('interrupted');
  }
});

test('it is told whether quantizing was begun', async () => {
  const { jobs, failure } = await setUp(['done', 'done'], {
    quantize: async (id) => {
      if (id === 'b') throw new Error('It holds other files');
    },
  });
  expect([await jobs.quantize('a', []), await jobs.quantize('b', [])]).toEqual([true, false]);
  expect([failure('a'), failure('b')]).toEqual([undefined, 'It holds other files']);
});
