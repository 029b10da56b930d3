import { expect, test } from 'vitest';
import { relativeError, tokenError, wholeRowError } from '../../src/pass/relative-error.ts';
import { tokenErrors } from '../../src/reference/model-kernels/token-errors.ts';

/** Two rows of four tokens of two values, in which every token errs by a tenth but the first, which errs by `first`. */
function rows(norm: number, first: number) {
  const reference = Array.from({ length: 16 }, (_, i) => (i % 8 < 2 ? norm : 1));
  const y = reference.map((value, i) => value * (i % 8 < 2 ? 1 + first : 1.1));
  const sums = tokenErrors(y, reference, 2, 4, 4);
  return [0, 3].map((at) => ({ byToken: sums[at]! / 4, whole: sums[at + 1]! / sums[at + 2]! }));
}

test('where all tokens are alike, both errors are one', () => {
  expect(tokenError(rows(1, 0.1))).toBeCloseTo(0.1);
  expect(wholeRowError(rows(1, 0.1))).toBeCloseTo(0.1);
});

test('a token of huge norm hides what all others err by from the norm of the row alone', () => {
  const hidden = rows(1000, 0.001);
  expect(wholeRowError(hidden)).toBeCloseTo(0.001, 4);
  expect(tokenError(hidden)).toBeCloseTo(0.1 * Math.sqrt(3 / 4), 3);
});

test('each quantizer goes by its own', () => {
  const errors = rows(1000, 0.001);
  expect(relativeError('refined', errors)).toBe(tokenError(errors));
  expect(relativeError('exllamav2', errors)).toBe(wholeRowError(errors));
});
