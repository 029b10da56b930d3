import { expect, test } from 'vitest';
import { likelyTokens } from '../../src/inference/likely-tokens.ts';

test('the likeliest tokens come with the probabilities of a softmax, the likeliest first', () => {
  const logits = Float32Array.of(1, 3, -2, 3, 0);
  const sum = [1, 3, -2, 3, 0].reduce((all, logit) => all + Math.exp(logit), 0);
  const found = likelyTokens(logits, 3);
  expect(found.map(({ id }) => id)).toEqual([1, 3, 0]); // of equal ones the first
  for (const { id, probability } of found) expect(probability).toBeCloseTo(Math.exp(logits[id]!) / sum, 12);
});

test('huge logits do not overflow, and there are no more tokens than the vocabulary has', () => {
  const found = likelyTokens(Float32Array.of(1000, 1001), 8);
  expect(found.map(({ id }) => id)).toEqual([1, 0]);
  expect(found.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 12);
});
