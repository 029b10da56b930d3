import { expect, test } from 'vitest';
import { checkSampling, GREEDY, mostLikely, sample } from '../../src/inference/sampling.ts';
import { InputError } from '../../src/util/errors.ts';
import { seededRandom } from '../../src/util/random.ts';

const LOGITS = Float32Array.from([0.5, 2, -1, 1.5, 0]);

/** How often each token is drawn. */
function shares(options: Parameters<typeof sample>[1], draws = 20_000): number[] {
  const random = seededRandom(7);
  const counts = Array(LOGITS.length).fill(0) as number[];
  for (let i = 0; i < draws; i++) counts[sample(LOGITS, options, random)]! += 1 / draws;
  return counts;
}

/** Probabilities of the kept tokens at a temperature. */
function softmax(kept: readonly number[], temperature: number): number[] {
  const weights = [...LOGITS].map((logit, i) => (kept.includes(i) ? Math.exp(logit / temperature) : 0));
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / sum);
}

test('temperature 0 takes the most likely token, the first of equal ones', () => {
  expect(sample(LOGITS, GREEDY, () => 0.99)).toBe(1);
  expect(mostLikely(Float32Array.from([1, 3, 3]))).toBe(1);
  expect(sample(LOGITS, { temperature: 5, topK: 1, topP: 1 }, () => 0.99)).toBe(1);
});

test.each([
  ['all tokens', { temperature: 1, topK: 0, topP: 1 }, [0, 1, 2, 3, 4]],
  ['a low temperature', { temperature: 0.5, topK: 0, topP: 1 }, [0, 1, 2, 3, 4]],
  ['top 2', { temperature: 2, topK: 2, topP: 1 }, [1, 3]],
  // Probabilities 0.5, 0.3, 0.11, 0.07, 0.02 in falling order: two reach 0.75.
  ['top-p 0.75', { temperature: 1, topK: 0, topP: 0.75 }, [1, 3]],
  ['top-p below the first token', { temperature: 1, topK: 0, topP: 0.01 }, [1]],
  ['top 3 and top-p', { temperature: 1, topK: 3, topP: 0.9 }, [0, 1, 3]],
])('%s', (_, options, kept) => {
  const expected = softmax(kept, options.temperature);
  shares(options).forEach((share, token) => {
    // Three standard deviations of 20,000 draws.
    expect(Math.abs(share - expected[token]!)).toBeLessThanOrEqual(0.0107);
  });
});

test('the same seed draws the same tokens', () => {
  const draw = (seed: number) => {
    const random = seededRandom(seed);
    return Array.from({ length: 20 }, () => sample(LOGITS, { temperature: 1, topK: 0, topP: 1 }, random));
  };
  expect(draw(3)).toEqual(draw(3));
  expect(draw(3)).not.toEqual(draw(4));
});

test('a number of exactly the whole probability still gives a token', () => {
  expect(sample(LOGITS, { temperature: 1, topK: 0, topP: 1 }, () => 1 - 2 ** -53)).toBe(2);
});

test.each([
  { temperature: -1, topK: 0, topP: 1 },
  { temperature: Number.NaN, topK: 0, topP: 1 },
  { temperature: 1, topK: 1.5, topP: 1 },
  { temperature: 1, topK: -1, topP: 1 },
  { temperature: 1, topK: 0, topP: 0 },
  { temperature: 1, topK: 0, topP: 1.1 },
])('%j is refused', (options) => {
  expect(() => checkSampling(options)).toThrow(InputError);
});
