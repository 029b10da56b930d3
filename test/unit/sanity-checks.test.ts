import { describe, expect, test } from 'vitest';
import { SanityChecks } from '../../src/convert/sanity-checks.ts';
import type { Metrics } from '../../src/evaluate/metrics.ts';
import type { ConvertEvent } from '../../src/job/events.ts';

const KEY = 'model.layers.0.mlp';

/** All warnings that a series of events leads to. */
function warnings(...events: ConvertEvent[]): string[] {
  const checks = new SanityChecks();
  return events.flatMap((event) => checks.see(event));
}

const start = (vocabSize: number): ConvertEvent => ({
  type: 'start',
  model: {
    name: 'model',
    architecture: 'LlamaForCausalLM',
    layers: 1,
    hiddenSize: 64,
    vocabSize,
    parameters: 1,
    dtypes: ['F16'],
    bytes: 1,
  },
  bitsPerWeight: 4,
  headBits: 6,
});
const reference = (perplexity: number): ConvertEvent => ({ type: 'reference', perplexity, tokens: 100 });
const trial = (accuracy: number): ConvertEvent => ({
  type: 'trial',
  module: KEY,
  candidate: 0,
  description: '',
  predicted: false,
  error: 1 - accuracy,
  bitsPerWeight: 4,
});
const module = (stage: 'measure' | 'quantize', rfnError?: number): ConvertEvent => ({
  type: 'module',
  stage,
  key: KEY,
  index: 0,
  count: 1,
  ...(rfnError !== undefined && { rfnError }),
  seconds: 1,
  resumed: false,
});
const allocation = (error: number): ConvertEvent => ({
  type: 'allocation',
  modules: [{ key: KEY, candidate: 0, totalBits: 1, bitsPerWeight: 4, error, description: '' }],
  bitsPerWeight: 4,
  budgetBits: 1,
  usedBits: 1,
  sumError: error,
  maxError: error,
  sumLogError: 0,
});
const perplexity = (model: 'original' | 'quantized', value: number): ConvertEvent => ({
  type: 'perplexity',
  model,
  value,
  tokens: 100,
});
const evaluation = (original: number, quantized: number): ConvertEvent => ({
  type: 'evaluation',
  measures: { perplexity: { reference: original, model: quantized } } as Metrics,
});

describe('the original', () => {
  test.each([
    [4096, 47],
    [32000, 8],
    [128000, 999],
    [400, 99],
  ])('a vocabulary of %i and a perplexity of %d are fine', (vocabulary, value) => {
    expect(warnings(start(vocabulary), reference(value))).toEqual([]);
  });

  test.each([
    [32000, 1001],
    [400, 320],
    [32000, Number.NaN],
    [32000, Number.POSITIVE_INFINITY],
  ])('a vocabulary of %i and a perplexity of %d are broken', (vocabulary, value) => {
    expect(warnings(start(vocabulary), reference(value))).toEqual([
      expect.stringContaining('broken as it comes'),
    ]);
  });
});

describe('a measured module', () => {
  test('with a good best candidate is fine, however bad the others', () => {
    expect(warnings(trial(0.99), trial(0.2), module('measure'))).toEqual([]);
  });

  test('without a good candidate is named, and the next one is judged by its own trials', () => {
    const [warning, ...more] = warnings(
      trial(0.7),
      trial(0.5),
      module('measure'),
      trial(0.99),
      module('measure'),
    );
    expect(warning).toMatch(/^model\.layers\.0\.mlp: even its best candidate errs by 0\.300/);
    expect(more).toEqual([]);
  });

  test('with states that are not finite is named', () => {
    expect(warnings(trial(0.99), trial(Number.NaN), module('measure'))).toEqual([
      expect.stringContaining('no finite error'),
    ]);
  });

  test('of an earlier run has no trials to judge', () => {
    expect(warnings(module('measure'))).toEqual([]);
  });
});

describe('a quantized module', () => {
  test.each([
    [0.05, 0.09],
    [0.001, 0.019],
    [0.3, 0.59],
  ])('that was to err by %d may err by %d', (expected, actual) => {
    expect(warnings(allocation(expected), module('quantize', actual))).toEqual([]);
  });

  test.each([
    [0.05, 0.11],
    [0.001, 0.021],
  ])('that was to err by %d and errs by %d is named', (expected, actual) => {
    const [warning] = warnings(allocation(expected), module('quantize', actual));
    expect(warning).toContain(`errs by ${actual.toPrecision(3)}`);
    expect(warning).toContain('--measurement_rows');
  });

  test('whose output is not finite is named', () => {
    expect(warnings(allocation(0.1), module('quantize', Number.NaN))).toEqual([
      expect.stringContaining('not finite'),
    ]);
  });
});

describe('the perplexity', () => {
  test('may rise a little', () => {
    const events = [perplexity('original', 9), perplexity('quantized', 12), evaluation(10, 14)];
    expect(warnings(...events)).toEqual([]);
  });

  test('that triples says to take more bits', () => {
    expect(warnings(perplexity('original', 9), perplexity('quantized', 28))).toEqual([
      expect.stringContaining('more bits'),
    ]);
    expect(warnings(perplexity('original', 9), perplexity('quantized', Number.NaN))[0]).toContain(
      'no number',
    );
  });

  test('that rises more on held-out text than on the calibration rows tells of overfitting', () => {
    const events = [perplexity('original', 9), perplexity('quantized', 9.9), evaluation(10, 17)];
    expect(warnings(...events)).toEqual([expect.stringContaining('fit the calibration text too closely')]);
  });
});
