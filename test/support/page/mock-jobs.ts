import type { AllocationRequest, JobRecord, JobState, MeasuredModule } from '../../../workers/api/jobs.ts';
import type { ModelFacts } from '../../../workers/api/model.ts';
import type { JobOptions, JobTimes } from '../../../workers/api/options.ts';
import { mockResult } from './mock-replay.ts';

const OPTIONS: JobOptions = {
  bits: [4],
  headBits: 6,
  quantizer: 'refined',
  preset: 'standard',
  chooseAfterMeasuring: false,
  gpuBudgetBytes: 3e9,
  seed: 0,
};

/** Of a quick job. */
export const quickOptions = (...bits: number[]): JobOptions => ({
  ...{ ...OPTIONS, bits, preset: 'quick', gpuBudgetBytes: 1e9 },
});

export function newRecord(
  id: string,
  model: ModelFacts,
  options: JobOptions,
  targets: readonly AllocationRequest[],
  outputName: string,
): JobRecord {
  return {
    id,
    modelName: model.name,
    created: Date.now(),
    changed: Date.now(),
    state: 'waiting',
    times: mockTimes(model, 1),
    options,
    model,
    sourceGone: false,
    outputName,
    targets,
    measured: false,
    recorded: true,
    results: [],
  };
}

/** On a GPU that is slower so many times than a fast one. */
export const mockTimes = ({ layers }: ModelFacts, slower: number): JobTimes => ({
  measure: 21 * layers * slower,
  target: 6 * layers * slower,
});

/** One job in every state. */
export function mockRecords(
  wish: string | null,
  model: ModelFacts,
  measured: readonly MeasuredModule[],
): JobRecord[] {
  if (wish === null) return [];
  const targets = [
    { bits: 4, pinned: {} },
    { bits: 2.75, pinned: {} },
  ];
  const record = (state: JobState, change: Partial<JobRecord> = {}): JobRecord => ({
    ...newRecord(state, model, { ...OPTIONS, bits: [4, 2.75] }, targets, ''),
    created: new Date(2026, 10, 3).getTime(),
    changed: new Date(2026, 10, 3, 14, 3).getTime(),
    state,
    measured: true,
    ...change,
  });
  const done = record('done');
  const results = targets.map((request) => mockResult(done, measured, request));
  const withoutEvaluation = results.map(({ evaluation: _, ...result }) => result);
  return [
    { ...done, results },
    record('done', {
      id: 'folder',
      outputName: 'models',
      results: results.slice(0, 1),
      targets: targets.slice(0, 1),
    }),
    record('done', { id: 'not-compared', results: withoutEvaluation }),
    record('done', { id: 'half-compared', results: [...results.slice(0, 1), ...withoutEvaluation.slice(1)] }),
    record('choosing', { targets: [], options: { ...OPTIONS, chooseAfterMeasuring: true } }),
    record('interrupted'),
    record('interrupted', { id: 'forgotten', sourceGone: true }),
    record('interrupted', { id: 'waited', measured: false, queued: 2 }),
    record('running', { id: 'elsewhere', elsewhere: true }),
    record('cancelled', { measured: false }),
    record('cancelled', { id: 'half-done', results: results.slice(0, 1) }),
    record('failed', {
      error: {
        name: 'FullDiskError',
        message:
          'Cannot write output.safetensors: no space is left; free some, or choose a folder on another disk, then go on.',
      },
    }),
    record('failed', {
      id: 'locked',
      error: {
        name: 'PermissionError',
        message:
          'The browser does not allow the page to write to the folder “models” any more: go on, and choose “Allow”.',
      },
    }),
  ];
}
