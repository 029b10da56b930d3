/** A job's own linear on the page: its address, what it is called, and what is said where there is nothing of it. */

import { describe, expect, test } from 'vitest';
import { INSPECT_CARDS, inspectTitle, linearAddress, placeAt } from '../../src/app/inspect/titles.ts';
import { recipesOf, takenTrial } from '../../src/app/inspect/trial-recipes.ts';
import {
  bitRuns,
  groupWords,
  heardWords,
  nothingHeard,
  nothingRounded,
} from '../../src/app/inspect/words.ts';
import { EMPTY_MODULE, type ModuleView } from '../../src/app/state/job-view.ts';
import { formatRoute, parseRoute, type Route } from '../../src/app/state/route.ts';
import { resolveGroups } from '../../src/exl2/groups.ts';
import { parseParams } from '../../src/exl2/params.ts';
import type { JobRecord } from '../../workers/api/jobs.ts';
import { mockRecords, newRecord, quickOptions } from '../support/page/mock-jobs.ts';
import { mockMeasurement, mockModel } from '../support/page/mock-model.ts';

const model = mockModel(null);
const module = model.modules[0]!;
const place = { module, linear: module.linears[0]! };
const measured = await mockMeasurement(model);
const done = mockRecords('some', model, measured).find(({ id }) => id === 'done')!;
const fresh = newRecord('a', model, quickOptions(4), [{ bits: 4, pinned: {} }], '');

describe('its address', () => {
  test.each(INSPECT_CARDS)('opens card %i, and is what the card’s links say', (card) => {
    const route: Route = {
      ...{ screen: 'inspect', id: 'a/b', linear: 'model.layers.0.self_attn.q_proj', bits: 2.75, card },
    };
    const hash = formatRoute(route);
    expect(hash).toBe(`#job=a%2Fb/inspect=model.layers.0.self_attn.q_proj/bits=2.75/card=${card}`);
    expect(parseRoute(hash)).toEqual(route);
  });

  test.each(['/inspect=q/bits=4/card=3', '/inspect=q/bits=x/card=2', '/inspect=q/card=2'])(
    'with %s names no card: such a job is not here',
    (rest) => {
      expect(parseRoute(`#job=a${rest}`)).toEqual({ screen: 'job', id: `a${rest}` });
    },
  );

  test('names each linear of a model, of experts the one that stands for all', () => {
    const experts = mockModel('experts');
    for (const { modules } of [model, experts])
      for (const each of modules)
        for (const linear of each.linears)
          expect(placeAt({ modules }, linearAddress(each, linear))).toEqual({ module: each, linear });
    expect(placeAt(model, 'model.layers.9.self_attn.q_proj')).toBeUndefined();
  });
});

test('titles say where and what', () => {
  expect(INSPECT_CARDS.map((card) => inspectTitle(card, place))).toEqual([
    'Layer 0, attention: what q hears',
    'Layer 0, attention: how q was rounded',
    'Layer 0, attention: its menu',
  ]);
});

test('the tokens in a Hessian are told, and whose states they are', () => {
  const heard = { tokens: 38_912, diagonal: new Float32Array(32), blocks: new Float32Array(32 * 32) };
  expect(heardWords({ ...heard, stage: 'measure' })).toBe(
    '38,912 calibration tokens, as the original model makes them, while it was measured.',
  );
  expect(heardWords({ ...heard, stage: 'quantize' })).toBe(
    '38,912 calibration tokens, as the quantized modules before it make them.',
  );
});

test('groups are told by the rows that have the same bits', () => {
  const groups = resolveGroups(4096, parseParams('0.1:4b_128g/0.9:3b_128g s4'));
  expect(bitRuns(groups).map(({ bits, end }) => [bits, end])).toEqual([
    [4, 512],
    [3, 4096],
  ]);
  expect(groupWords(groups)).toBe(
    'Rows 1–512 at 4 bits in groups of 128, rows 513–4,096 at 3 bits in groups of 128.',
  );
  expect(groupWords(resolveGroups(64, parseParams('1:2b_32g s4')))).toBe(
    'All 64 rows at 2 bits in groups of 32.',
  );
});

describe('where there is nothing', () => {
  test('a module that is not measured yet will be; a measurement, or a conversion, may be an earlier version’s', () => {
    const titleOf = (record: JobRecord, view: Partial<ModuleView>) =>
      nothingHeard(record, 4, { ...EMPTY_MODULE, ...view }).title;
    expect(titleOf(fresh, {})).toBe('This module has not been measured yet');
    const taken = 'The measurement has kept nothing of it';
    expect(titleOf(fresh, { measured: true })).toBe(taken);
    expect(titleOf({ ...fresh, measured: true }, {})).toBe(taken);
    const quantized = { measured: true, rfnError: 0.1 };
    expect(titleOf({ ...fresh, measured: true }, quantized)).toBe('This conversion has kept nothing of it');
    expect(nothingHeard(done, done.results[0]!.bits, EMPTY_MODULE).text).toContain('Convert the model again');
  });

  test('a linear is not quantized yet, or its output is in a folder that has to be allowed', () => {
    expect(nothingRounded(fresh, 4)).toEqual({
      title: 'This linear has not been quantized yet',
      text: 'It is rounded when the turn of its module comes, at 4.00 bpw, and shown here then.',
    });
    const { bits } = done.results[0]!;
    expect(nothingRounded(done, bits)).toMatchObject({ locked: true });
    expect(nothingRounded(done, 8).title).toContain('not been quantized yet');
  });
});

describe('the menu', () => {
  test('has the module’s own trials as recipes, without those in words that are not known', () => {
    const trials = measured[0]!.candidates.map((candidate, i) => ({ ...candidate, candidate: i }));
    const recipes = recipesOf(module, [...trials, { ...trials[0]!, description: 'other words' }]);
    expect(recipes.map(({ trial }) => trial.candidate)).toEqual(trials.map(({ candidate }) => candidate));
    const { recipe } = recipes[0]!;
    expect(recipe.linears.map(({ name }) => name)).toEqual(['q_proj', 'k_proj', 'v_proj', 'o_proj']);
    expect(trials[0]!.description).toBe(
      recipe.linears.map(({ name, setting }) => `${name} ${setting}`).join(', '),
    );
    expect(recipe.error).toBe(trials[0]!.error);
  });

  test('marks what the module takes at the bitrate, or would get now', () => {
    const [{ bits, allocation }] = [done.results[0]!];
    expect(takenTrial(done, bits, module, EMPTY_MODULE)).toEqual({
      candidate: allocation.modules[0]!.candidate,
      words: ': what this module takes',
    });
    const view = {
      ...{ ...EMPTY_MODULE, expected: 1 },
      trials: [{ candidate: 1, error: 0.1, bitsPerWeight: 4, description: '' }],
    };
    expect(takenTrial(fresh, 4, module, view)).toEqual({ candidate: 1, words: ': what it would get now' });
    expect(takenTrial(fresh, 4, module, EMPTY_MODULE).candidate).toBeUndefined();
  });
});
