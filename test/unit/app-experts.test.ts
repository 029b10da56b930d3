import { describe, expect, test } from 'vitest';
import { inWords, linearTitle, moduleOf } from '../../src/app/module-words.ts';
import { eventWords } from '../../src/app/state/event-words.ts';
import { expertViews } from '../../src/app/state/expert-view.ts';
import { EMPTY_MODULE, type JobView, moduleUnderWork, viewOf } from '../../src/app/state/job-view.ts';
import { reduceJob } from '../../src/app/state/reduce-job.ts';
import { resultView } from '../../src/app/state/result-view.ts';
import type { ConvertEvent, ModuleEvent } from '../../src/job/events.ts';
import { openModel } from '../../src/model/check/open-model.ts';
import type { TargetResult } from '../../workers/api/jobs.ts';
import type { ModelFacts } from '../../workers/api/model.ts';
import { pageFacts } from '../../workers/model-facts.ts';
import { expertsModel, parallelModel } from '../support/beside-models.ts';
import { newRecord, quickOptions } from '../support/page/mock-jobs.ts';

const mixtral = pageFacts(await openModel(await expertsModel(), {}), 320);
const cohere = pageFacts(await openModel(await parallelModel(), {}), 320);
const experts = mixtral.modules[1]!;

const jobOf = (model: ModelFacts): JobView =>
  viewOf({ ...newRecord('a', model, quickOptions(4), [{ bits: 4, pinned: {} }], ''), state: 'running' });

const after = (view: JobView, ...events: ConvertEvent[]): JobView =>
  reduceJob(view, { type: 'events', id: 'a', events }, 1000);

const part = (numbers: string, rfnError: number, expertTokens: number[]): ModuleEvent => ({
  ...{ type: 'module', stage: 'quantize', key: `${experts.key}.experts.${numbers}`, choice: experts.key },
  ...{ index: 1, count: 4, seconds: 2, resumed: false, bitsPerWeight: 4.123, rfnError, expertTokens },
});

const linear = (expert: number, error: number): ConvertEvent => ({
  ...{ type: 'linear', key: `${experts.key}.experts.${expert}.w2`, choice: experts.key, name: 'w2', expert },
  ...{ bitsPerWeight: 4.3, error },
});

describe('model facts', () => {
  test('of a Mixtral tell of the experts of a layer together', () => {
    expect(mixtral.modules.map(({ kind }) => kind)).toEqual(['attention', 'experts']);
    expect(experts).toMatchObject({
      ...{ key: 'model.layers.0.block_sparse_moe', layer: 0, experts: 5, expertsPerToken: 2 },
      weights: 5 * 3 * 64 * 96,
      linears: [
        { name: 'w1', role: 'gate', k: 64, n: 96 },
        { name: 'w3', role: 'up', k: 64, n: 96 },
        { name: 'w2', role: 'down', k: 96, n: 64 },
      ],
    });
  });

  test('of a Command R tell of attention and MLP beside each other', () => {
    expect(cohere.modules.map(({ key, kind }) => [key, kind])).toEqual([
      ['model.layers.0.parallel_decoder.attn', 'attention'],
      ['model.layers.0.parallel_decoder.mlp', 'mlp'],
    ]);
    expect(cohere.modules.flatMap(({ linears }) => linears.map(linearTitle))).toEqual([
      ...['q', 'k', 'v', 'o'],
      ...['gate', 'up', 'down'],
    ]);
    expect(cohere.modules[1]!.experts).toBeUndefined();
  });
});

describe('keys in words', () => {
  test.each([
    [mixtral, 'measures model.layers.0.block_sparse_moe', 'measures layer 0, experts'],
    [mixtral, 'model.layers.0.block_sparse_moe.experts.0-15', 'layer 0, experts 0–15'],
    [mixtral, 'model.layers.0.block_sparse_moe.experts.4', 'layer 0, expert 4'],
    [mixtral, 'quantizes model.layers.0.block_sparse_moe.experts.4.w3', 'quantizes layer 0, expert 4, up'],
    [mixtral, 'quantizes model.layers.0.self_attn.q_proj', 'quantizes layer 0, attention, q'],
    [cohere, 'model.layers.0.parallel_decoder.attn', 'layer 0, attention'],
    [cohere, 'advances model.layers.0.parallel_decoder.mlp', 'advances layer 0, MLP'],
    [cohere, 'runs lm_head', 'runs lm_head'],
  ])('%#', (model, key, words) => {
    expect(inWords(model, key)).toBe(words);
  });

  test('are of the module that is meant, not of one whose key begins alike', () => {
    const model = { modules: [{ ...experts, key: 'layers.1.mlp' }] };
    expect(moduleOf(model, 'layers.1.mlp2')).toBeUndefined();
    expect(moduleOf(model, 'layers.1.mlp.experts.0-3')).toBe(model.modules[0]);
  });

  test('are in the log', () => {
    expect(eventWords(part('0-1', 0.03, [7, 5]), mixtral)).toBe(
      'Layer 0, experts 0–1 quantized to 4.12 bpw, error 3.00 %, 2.0 s',
    );
  });

  test('linears of records of earlier versions have their name', () => {
    expect(linearTitle({ name: 'q_proj', k: 64, n: 64 })).toBe('q');
  });
});

test('the module under work is the one whose part progress names', () => {
  const detail = `${experts.key}.experts.2-4`;
  const progress = { stage: 'quantize', done: 1, total: 2, unit: 'weights', detail } as const;
  const view = after(jobOf(mixtral), { type: 'progress', ...progress });
  expect(moduleUnderWork(view)?.key).toBe(experts.key);
});

test('experts have errors and tokens part by part, and the module an error once all parts are there', () => {
  const half = after(jobOf(mixtral), linear(0, 0.02), linear(1, 0.04), part('0-1', 0.03, [700, 90]));
  const before = half.modules.get(experts.key)!;
  expect(half.latest).toBe(experts.key);
  expect(before.rfnError).toBeUndefined();
  expect(before.linearErrors['w2']).toBeCloseTo(Math.sqrt((0.02 ** 2 + 0.04 ** 2) / 2), 12);
  expect(expertViews(experts, before).slice(1, 3)).toEqual([
    { expert: 1, tokens: 90, errors: { w2: 0.04 } },
    { expert: 2, tokens: undefined, errors: {} },
  ]);

  const whole = after(half, part('2-4', 0.04, [1, 2, 0])).modules.get(experts.key)!;
  expect(whole.rfnError).toBeCloseTo(0.05, 12);
  expect(whole.expertTokens).toEqual([700, 90, 1, 2, 0]);
  // A part that is done again, as after a worker's loss, counts once.
  const again = after(half, part('0-1', 0.03, [700, 90]), part('2-4', 0.04, [1, 2, 0]));
  expect(again.modules.get(experts.key)).toEqual(whole);
});

test('a finished bitrate has errors and tokens of each expert, as far as it has them', () => {
  const modules = [
    { key: experts.key, candidate: 0, totalBits: 1, bitsPerWeight: 4, error: 0.05, description: '' },
  ];
  const sums = { bitsPerWeight: 4, budgetBits: 1, usedBits: 1, sumError: 0, maxError: 0, sumLogError: 0 };
  const result: TargetResult = {
    ...{ bits: 4, bitsPerWeight: 4, headBits: 6, bytes: 1000, files: [] },
    perplexity: { original: 9, quantized: 9.1 },
    rfnErrors: { [experts.key]: 0.05 },
    allocation: { type: 'allocation', modules, ...sums },
  };
  const { record } = jobOf(mixtral);
  const shown = resultView(record, {
    ...result,
    expertErrors: { [`${experts.key}.w1`]: [0.1, 0.2, 0.3, 0.4, 0.5] },
    expertTokens: { [experts.key]: [5, 4, 3, 2, 1] },
  });
  expect(expertViews(experts, shown.modules.get(experts.key)!)[4]).toEqual({
    expert: 4,
    tokens: 1,
    errors: { w1: 0.5 },
  });
  expect(expertViews(experts, resultView(record, result).modules.get(experts.key)!)).toEqual([]);
});

test('what has no experts shows none', () => {
  expect(expertViews(mixtral.modules[0]!, { ...EMPTY_MODULE, expertErrors: { q_proj: { 0: 0.1 } } })).toEqual(
    [],
  );
});
