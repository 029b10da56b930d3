import { expect, test } from 'vitest';
import {
  attentionCandidates,
  type Candidate,
  distinctSettings,
  headParams,
  mlpCandidates,
} from '../../src/exl2/candidates.ts';
import { resolveGroups } from '../../src/exl2/groups.ts';
import { BIT_WIDTHS, describe } from '../../src/exl2/params.ts';
import { paramsToJson } from '../../src/exl2/params-json.ts';
import { GOLDEN_DIR, readJson } from '../support/architectures.ts';

const golden = readJson(`${GOLDEN_DIR}/option_sets.json`) as Record<'attention' | 'mlp' | 'lm_head', unknown>;

const toJson = (candidates: readonly Candidate[]): unknown =>
  candidates.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, params]) => [name, paramsToJson(params)])),
  );

test('the tables equal those of ExLlamaV2', () => {
  expect(toJson(attentionCandidates())).toEqual(golden.attention);
  expect(toJson(mlpCandidates(true))).toEqual(golden.mlp);
  expect(Object.fromEntries(BIT_WIDTHS.map((bits) => [bits, paramsToJson(headParams(bits))]))).toEqual(
    golden.lm_head,
  );
});

test('an MLP without gate has the same candidates without it', () => {
  const rows = mlpCandidates(false);
  expect(rows).toHaveLength(17);
  expect(Object.keys(rows[0]!)).toEqual(['up_proj', 'down_proj']);
  expect(rows.map(({ down_proj }) => down_proj)).toEqual(
    mlpCandidates(true).map(({ down_proj }) => down_proj),
  );
});

test.each([
  ['q_proj', 14],
  ['k_proj', 14],
  ['v_proj', 15],
  ['o_proj', 14],
  ['gate_proj', 13],
  ['up_proj', 13],
  ['down_proj', 14],
])('%s has %d distinct settings where k is large', (linear, count) => {
  const candidates = linear.length > 6 ? mlpCandidates(true) : attentionCandidates();
  const { settings, indexOf } = distinctSettings(candidates, linear, 4096);
  expect(settings).toHaveLength(count);
  expect(indexOf).toHaveLength(candidates.length);
  for (const [i, candidate] of candidates.entries()) {
    expect(describe(settings[indexOf[i]!]!)).toBe(describe(candidate[linear]!));
  }
});

test('settings that a small k makes equal are one', () => {
  const candidates = attentionCandidates();
  const { settings, indexOf } = distinctSettings(candidates, 'q_proj', 128);
  expect(settings.length).toBeLessThan(14);
  for (const [i, candidate] of candidates.entries()) {
    expect(resolveGroups(128, settings[indexOf[i]!]!)).toEqual(resolveGroups(128, candidate['q_proj']!));
  }
  expect(new Set(settings.map((params) => JSON.stringify(resolveGroups(128, params)))).size).toBe(
    settings.length,
  );
});
