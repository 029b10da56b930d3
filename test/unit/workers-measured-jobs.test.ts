import { expect, test, vi } from 'vitest';
import { weightBytes } from '../../src/estimate/output-size.ts';
import type { JobBoard } from '../../workers/job-board.ts';
import { MeasuredJobs } from '../../workers/measured-jobs.ts';
import { architectureModel } from '../support/architectures.ts';
import { readGolden } from '../support/golden-conversions.ts';

const { kept } = vi.hoisted(() => ({ kept: { measurement: undefined as unknown } }));

vi.mock('../../workers/job-steps.ts', () => ({ readMeasurement: async () => kept.measurement }));
vi.mock('../../workers/open-source.ts', () => ({ planOf: (plan: unknown) => plan }));

test('a job whose measurement was damaged says so, and can go on', async () => {
  let record: object = { measured: true, state: 'choosing' };
  const board = {
    get: async () => ({ record }),
    async change(_: string, changed: object) {
      record = { ...record, ...changed };
    },
  };
  const jobs = new MeasuredJobs(board as unknown as JobBoard);
  kept.measurement = { measurement: {} };
  expect(await jobs.json('a')).toEqual({ measurement: {} });
  kept.measurement = undefined;
  const damaged =
    "What this job has measured is damaged, or has gone from the browser's storage: go on with the job";
  await expect(jobs.json('a')).rejects.toThrow(damaged);
  expect(record).toMatchObject({ measured: false, state: 'failed', error: { name: 'InputError' } });
  await expect(jobs.json('a')).rejects.toThrow('not been measured to the end yet');
});

test('an allocation tells what the output will take', async () => {
  const { plan } = await architectureModel('qwen3');
  const record = { measured: true, options: { quantizer: 'exllamav2', headBits: 8 } };
  const board = { get: async () => ({ record, headers: plan }) };
  kept.measurement = readGolden('conversion/architectures/qwen3/measurement.json');
  const jobs = new MeasuredJobs(board as unknown as JobBoard);
  const { usedBits, outputBytes } = await jobs.allocate('a', { bits: 5, pinned: {} });
  expect(outputBytes).toBe(weightBytes(plan, 8, usedBits));
  expect((await jobs.allocate('a', { bits: 3, pinned: {} })).outputBytes).toBeLessThan(outputBytes);
});
