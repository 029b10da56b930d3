import { expect, test } from 'vitest';
import { describeParams, headBitsPerWeight, linearBits, parseDescription } from '../../src/app/settings.ts';
import { attentionCandidates, mlpCandidates } from '../../src/exl2/candidates.ts';
import { describeCandidate } from '../../src/measurement/module-candidates.ts';
import { mockModel } from '../support/page/mock-model.ts';

const model = mockModel(null);
const mlp = model.modules[1]!;

test('an allocation’s words give back the candidate', () => {
  for (const candidate of [...attentionCandidates(), ...mlpCandidates(true)])
    expect(parseDescription(describeCandidate(candidate))).toEqual(candidate);
  expect(() => parseDescription('something else')).toThrow();
});

test('bits of the linears average to the module’s', () => {
  const bits = linearBits(mlp, mlpCandidates(true)[0]!);
  const total = mlp.linears.reduce((sum, { name, k, n }) => sum + bits[name]! * k * n, 0);
  // As ExLlamaV2 counts it for this module and candidate.
  expect(Math.round(total)).toBe(1_472_496);
});

test('settings are told in words', () => {
  const [params, last] = [mlpCandidates(true)[0]!, mlpCandidates(true).at(-1)!];
  expect(describeParams(params['down_proj']!)).toBe(
    '5 % at 6 bits in groups of 32, 20 % at 3 bits in groups of 64, 75 % at 2 bits in groups of 64',
  );
  expect(describeParams(last['up_proj']!)).toBe('all at 8 bits in groups of 128');
});

test('the head has more bits per weight than its codes', () => {
  // 15 % of 256 rows, rounded up to groups of 128, at 8 bits.
  expect(headBitsPerWeight(model, 6)).toBeCloseTo(
    7 + (2 * (16 + 32 + 4 * 4096) + 32 * 256) / (256 * 4096),
    10,
  );
});
