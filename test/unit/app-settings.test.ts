import { expect, test } from 'vitest';
import { describeParams, linearBits, parseDescription } from '../../src/app/settings.ts';
import {
  bitsThatFit,
  cacheBytes,
  headBitsPerWeight,
  outputBytes,
  runBytes,
  weightCount,
} from '../../src/app/sizes.ts';
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

test('sizes add up', () => {
  const bits = 4 * weightCount(model);
  const embedding = 2 * model.vocabSize * model.hiddenSize;
  const norms = 2 * model.hiddenSize * (2 * model.layers + 1);
  const head = (headBitsPerWeight(model, 6) * model.hiddenSize * model.vocabSize) / 8;
  expect(outputBytes(model, bits, 6)).toBe(Math.round(bits / 8 + embedding + norms + head));
  expect(headBitsPerWeight(model, 8)).toBeGreaterThan(8);
  // Keys and values of 4 heads of 32 in 6 layers, 2 bytes each.
  expect(cacheBytes(model, 100)).toBe(2 * 6 * 4 * 32 * 2 * 100);
});

test('the bitrate that fits is the one that needs just so much', () => {
  const needed = runBytes(model, 4.25 * weightCount(model), 6, 4096);
  expect(bitsThatFit(model, needed, 6, 4096)).toBeCloseTo(4.25, 4);
  expect(bitsThatFit(model, 0, 6, 4096)).toBeLessThan(0);
});
