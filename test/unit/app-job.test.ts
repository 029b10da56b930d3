import { expect, test } from 'vitest';
import { moduleCells } from '../../src/app/components/grid-cells.ts';
import {
  currentStage,
  EMPTY_MODULE,
  type JobView,
  moduleUnderWork,
  viewOf,
} from '../../src/app/state/job-view.ts';
import { reduceJob } from '../../src/app/state/reduce-job.ts';
import { resultView } from '../../src/app/state/result-view.ts';
import type { AllocationEvent, ConvertEvent, TrialEvent } from '../../src/job/events.ts';
import type { TargetResult } from '../../workers/api/jobs.ts';
import { newRecord, quickOptions } from '../support/page/mock-jobs.ts';
import { mockModel } from '../support/page/mock-model.ts';

const model = mockModel(null);
const [first, second] = [model.modules[0]!, model.modules[1]!];
const options = quickOptions(4, 3);
const targets = options.bits.map((bits) => ({ bits, pinned: {} }));
const empty = viewOf({ ...newRecord('a', model, options, targets, ''), state: 'running' });

const after = (view: JobView, events: ConvertEvent[], bits?: number): JobView =>
  reduceJob(view, { type: 'events', id: 'a', ...(bits !== undefined && { bits }), events }, 1000);

const trial = (module: string, candidate: number, bitsPerWeight: number, error: number): TrialEvent => ({
  type: 'trial',
  module,
  candidate,
  error,
  description: '',
  predicted: false,
  bitsPerWeight,
});

const measured = (key: string): ConvertEvent => ({
  type: 'module',
  stage: 'measure',
  key,
  index: 0,
  count: 12,
  seconds: 2,
  resumed: false,
});

const allocation = (key: string): AllocationEvent => ({
  type: 'allocation',
  modules: [
    { key, candidate: 6, totalBits: 1, bitsPerWeight: 4.2, error: 0.03, description: 'unknown words' },
  ],
  bitsPerWeight: 4,
  budgetBits: 1,
  usedBits: 1,
  sumError: 0.1,
  maxError: 0.03,
  sumLogError: -1,
});

test('stages go from waiting to started to done, and the log keeps them', () => {
  const started = after(empty, [{ type: 'stage', stage: 'measure', state: 'started' }]);
  expect(currentStage(started)).toBe('measure');
  const done = after(started, [{ type: 'stage', stage: 'measure', state: 'done', seconds: 61 }]);
  expect(done.stages.measure).toBe('done');
  expect(currentStage(done)).toBeUndefined();
  expect(done.log.map(({ text }) => text)).toEqual(['Measurement: started', 'Measurement: done, 1:01']);
  expect(empty.log).toEqual([]);
});

test('progress names the module under work, and a new stage forgets it', () => {
  const working = after(empty, [
    { type: 'progress', stage: 'measure', done: 1, total: 2, unit: 'weights', detail: second.key },
  ]);
  expect(moduleUnderWork(working)).toBe(second);
  expect(after(working, [{ type: 'stage', stage: 'quantize', state: 'started' }]).progress).toBeUndefined();
});

test('of the workers the latest report counts', () => {
  const worker = (doing: string) => ({ id: 0, adapter: 'GPU', doing, busy: 0.5, memoryBytes: 1e9 });
  expect(empty.workers).toEqual([]);
  const first = after(empty, [{ type: 'workers', workers: [worker('waits'), worker('waits')] }]);
  const last = after(first, [{ type: 'workers', workers: [worker('lost')] }]);
  expect(last.workers).toEqual([worker('lost')]);
  expect(last.log).toEqual([]);
});

test('only modules that change become other objects', () => {
  const one = after(empty, [trial(first.key, 0, 2, 0.2), measured(first.key)]);
  const two = after(one, [trial(second.key, 0, 2, 0.2)]);
  expect(two.modules.get(first.key)).toBe(one.modules.get(first.key));
  expect(two.modules.get(second.key)).not.toBe(one.modules.get(second.key));
});

test('a measured module shows what it would get now, and the quantized one what it got', () => {
  const view = after(empty, [
    trial(first.key, 0, 2.1, 0.2),
    trial(first.key, 6, 3.9, 0.04),
    measured(first.key),
  ]);
  const expected = moduleCells(first, view.modules.get(first.key)!, false);
  expect(expected.error).toEqual({ value: expect.closeTo(0.04), certainty: 'expected' });
  expect(expected.bits['q_proj']!.certainty).toBe('expected');

  const chosen = after(view, [
    allocation(first.key),
    {
      ...{ type: 'linear', key: `${first.key}.q_proj`, choice: first.key, name: 'q_proj' },
      ...{ bitsPerWeight: 4.3, error: 0.031 },
    },
  ]);
  const half = moduleCells(first, chosen.modules.get(first.key)!, false);
  expect(half.bits['q_proj']).toEqual({ value: 4.3, certainty: 'settled', error: 0.031 });
  // The words of the allocation are not of this version: the module's average stands in.
  expect(half.bits['k_proj']).toEqual({ value: 4.2, certainty: 'expected' });

  const finished = after(chosen, [
    {
      type: 'module',
      stage: 'quantize',
      key: first.key,
      index: 0,
      count: 12,
      rfnError: 0.05,
      seconds: 1,
      resumed: true,
    },
  ]);
  const cells = moduleCells(first, finished.modules.get(first.key)!, false);
  expect(cells.error).toEqual({ value: 0.05, certainty: 'settled' });
  expect(Object.values(cells.bits).map(({ certainty }) => certainty)).toEqual(Array(4).fill('settled'));
});

test('a result of an earlier visit shows the errors of modules and linears, as far as it has them', () => {
  const result = {
    bits: 4,
    bitsPerWeight: 3.99,
    headBits: 6,
    bytes: 1000,
    files: [],
    perplexity: { original: 9, quantized: 9.1 },
    rfnErrors: { [first.key]: 0.05 },
    allocation: allocation(first.key),
  };
  const cellsOf = (shown: TargetResult) =>
    moduleCells(first, resultView(empty.record, shown).modules.get(first.key)!, true);
  const linearErrors = { [`${first.key}.k_proj`]: 0.02, [`${second.key}.up_proj`]: 0.03 };
  const { bits, error } = cellsOf({ ...result, linearErrors });
  expect(error).toEqual({ value: 0.05, certainty: 'settled' });
  expect(bits['k_proj']).toEqual({ value: 4.2, certainty: 'settled', error: 0.02 });
  expect(bits['q_proj']).toEqual({ value: 4.2, certainty: 'settled' });
  expect(cellsOf(result).bits['k_proj']).toEqual({ value: 4.2, certainty: 'settled' });
});

test('nothing is shown of a module before it is measured', () => {
  expect(moduleCells(first, EMPTY_MODULE, false)).toEqual({ bits: {}, error: undefined });
});

test('the next bitrate keeps the measurement and forgets the rest', () => {
  const view = after(
    empty,
    [
      trial(first.key, 6, 3.9, 0.04),
      measured(first.key),
      allocation(first.key),
      {
        ...{ type: 'linear', key: `${first.key}.q_proj`, choice: first.key, name: 'q_proj' },
        ...{ bitsPerWeight: 4.3, error: 0.031 },
      },
      { type: 'linear', key: 'lm_head', bitsPerWeight: 6.6 },
      { type: 'perplexity', model: 'quantized', value: 9, tokens: 100 },
    ],
    4,
  );
  expect(view.head).toBe(6.6);
  const next = after(view, [{ type: 'stage', stage: 'optimize', state: 'started' }], 3);
  expect(next.bits).toBe(3);
  expect(next.head).toBeUndefined();
  expect(next.perplexity).toEqual({});
  expect(next.stages.optimize).toBe('started');
  const module = next.modules.get(first.key)!;
  expect(module.trials).toEqual(view.modules.get(first.key)!.trials);
  expect([module.linears, module.linearErrors, module.choice]).toEqual([{}, {}, undefined]);
  expect(next.log).toHaveLength(view.log.length + 1);
});

test('the log is bounded', () => {
  const lines = Array.from({ length: 700 }, (_, i): ConvertEvent => ({ type: 'warning', message: `${i}` }));
  const { log } = after(empty, lines);
  expect(log).toHaveLength(500);
  expect(log.at(-1)).toEqual({ text: '699', time: 1000, warning: true });
});

test('records and rates replace the earlier ones', () => {
  const record = { ...empty.record, state: 'paused' } as const;
  expect(reduceJob(empty, { type: 'record', record }, 0).record).toBe(record);
  const rates = { type: 'rates', id: 'a', read: 1, written: 2, tokens: 3 } as const;
  expect(reduceJob(empty, rates, 0).rates).toMatchObject({ read: 1, written: 2, tokens: 3 });
});
