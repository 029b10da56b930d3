import { beforeEach, expect, test, vi } from 'vitest';
import type { AllocationRequest } from '../../workers/api/jobs.ts';
import { removeDropped, withPlaces, withTargets } from '../../workers/changed-job.ts';
import type { JobEntry } from '../../workers/job-store.ts';

const removed: string[] = [];

vi.mock('../../src/io/platform/storage/storage.ts', () => ({
  removeStorage: async (path: string) => void removed.push(path),
}));
vi.mock('../../workers/places.ts', () => ({
  STORED: {
    target: (_: string, bits: number) => `work ${bits}`,
    output: (_: string, bits: number) => `output ${bits}`,
  },
}));
const outputs = vi.hoisted(() => ({ check: async () => {} }));
vi.mock('../../workers/new-job.ts', () => ({
  checkOutputs: () => outputs.check(),
  outputName: () => 'out',
}));
vi.mock('../../workers/open-source.ts', () => ({
  inspectSource: async ({ kind }: { kind: string }) => ({ source: kind }),
  headersOf: async ({ source }: { source: string }) => ({ fingerprint: source }),
}));

beforeEach(() => {
  removed.splice(0);
  outputs.check = async () => {};
});

const target = (bits: number, pinned = {}): AllocationRequest => ({ bits, pinned });

/** A job that has made some of its targets. */
const job = (targets: readonly AllocationRequest[], made: readonly number[]): JobEntry =>
  ({
    record: { id: 'a', modelName: 'tiny', targets, results: made.map((bits) => ({ bits })) },
    output: { kind: 'storage' },
    headers: { fingerprint: 'demo' },
  }) as unknown as JobEntry;

/** Gives a job these targets, as the queue does. */
async function change(entry: JobEntry, requests: readonly AllocationRequest[]): Promise<JobEntry> {
  const changed = await withTargets(entry, requests);
  await removeDropped(entry, changed);
  return changed;
}

test('what is made stays, what is asked for comes after it', async () => {
  const { record } = await change(job([target(4)], [4]), [target(3), target(5)]);
  expect(record.targets.map(({ bits }) => bits)).toEqual([4, 3, 5]);
  expect(record.results.map(({ bits }) => bits)).toEqual([4]);
  expect(removed).toEqual([]);
});

test('a bitrate with other pins is made anew; with the same ones, in any order, it stays', async () => {
  const pins = { a: 1, b: 2 };
  const same = await change(job([target(4, pins)], [4]), [target(4, { b: 2, a: 1 })]);
  expect([same.record.results.length, removed]).toEqual([1, []]);
  const other = await change(job([target(4, pins)], [4]), [target(4, { a: 1 })]);
  expect([other.record.results.length, removed]).toEqual([0, ['work 4', 'output 4']]);
  expect(other.record.targets).toEqual([target(4, { a: 1 })]);
});

test('an unfinished bitrate goes on when it is asked for again, and is dropped when it is not', async () => {
  const again = await change(job([target(4)], []), [target(4)]);
  expect([again.record.targets, removed]).toEqual([[target(4)], []]);
  const dropped = await change(job([target(4)], []), [target(3)]);
  expect([dropped.record.targets, removed]).toEqual([[target(3)], ['work 4', 'output 4']]);
});

test('a refused change loses nothing of what is made', async () => {
  outputs.check = () => Promise.reject(new Error('It holds other files'));
  const entry = job([target(4)], [4]);
  await expect(change(entry, [target(4, { a: 1 })])).rejects.toThrow('other files');
  expect([entry.record.results.length, removed]).toEqual([1, []]);
});

test('a bitrate twice is refused', async () => {
  await expect(withTargets(job([], []), [target(4), target(4, { a: 1 })])).rejects.toThrow(/twice/);
});

test('a job takes the same model from another place, and no other one', async () => {
  const { source, record } = await withPlaces(job([], []), { kind: 'demo' }, { kind: 'storage' });
  expect([source.kind, record.outputName]).toEqual(['demo', 'out']);
  const other = { kind: 'files', name: 'x', files: [] } as const;
  await expect(withPlaces(job([], []), other, { kind: 'storage' })).rejects.toThrow(/not hold the tiny/);
});
