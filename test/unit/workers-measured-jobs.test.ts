import { expect, test, vi } from 'vitest';
import { weightBytes } from '../../src/estimate/output-size.ts';
import type { WritableDirectory } from '../../src/io/bytes.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { workDirectory } from '../../src/io/work/work-directory.ts';
import { ARTEFACT } from '../../src/job/artefacts.ts';
import type { JobBoard } from '../../workers/job-board.ts';
import { MeasuredJobs } from '../../workers/measured-jobs.ts';
import { architectureModel } from '../support/architectures.ts';
import { readGolden } from '../support/golden-conversions.ts';

const { kept, storage } = vi.hoisted(() => ({
  kept: { measurement: undefined as unknown },
  storage: { folders: new Map<string, WritableDirectory>() },
}));

vi.mock('../../workers/job-steps.ts', () => ({ readMeasurement: async () => kept.measurement }));
vi.mock('../../workers/places.ts', () => ({
  STORED: { measure: (id: string) => `${id}/measure`, target: (id: string, bits: number) => `${id}/${bits}` },
}));
vi.mock('../../src/io/platform/storage/storage.ts', () => ({
  storageDirectory: async (path: string) => storage.folders.get(path),
}));
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

test('what a stopped job keeps is what is measured so far, and the parts that are quantized', async () => {
  const { plan } = await architectureModel('qwen3');
  const { measurement } = readGolden('conversion/architectures/qwen3/measurement.json') as {
    measurement: Record<string, unknown>;
  };
  const first = plan.choices[0]!;
  const [measure, target] = [memoryDirectory('measure'), memoryDirectory('target')];
  storage.folders = new Map([
    ['a/measure', measure],
    ['a/3', target],
  ]);
  await workDirectory(measure).writeJson(ARTEFACT.measuredModule(first.key), measurement[first.key]);
  await workDirectory(target).writeTensors(ARTEFACT.tensors(plan.modules[0]!.key), []);
  const record = {
    ...{ measured: false, options: { quantizer: 'exllamav2' }, results: [{ bits: 4 }] },
    targets: [{ bits: 4 }, { bits: 3 }],
  };
  const board = { get: async () => ({ record, headers: plan }) };
  const work = await new MeasuredJobs(board as unknown as JobBoard).kept('a');
  expect(work.modules.map(({ key }) => key)).toEqual([first.key]);
  expect(work.modules[0]!.candidates.length).toBeGreaterThan(5);
  expect([work.quantized, work.parts]).toEqual([1, plan.modules.length]);
});
