import { expect, test } from 'vitest';
import {
  BITS_STEPS,
  bitsStep,
  ERROR_STEPS,
  errorStep,
  linearAxis,
  logAxis,
  logRange,
} from '../../src/app/scales.ts';

test('a step begins at its lower end', () => {
  expect([2.13, 2.5, 4.49, 4.5, 8.13].map(bitsStep)).toEqual([0, 1, 4, 5, BITS_STEPS.length]);
  expect([0, 0.003, 0.099, 0.1, 0.9].map(errorStep)).toEqual([0, 1, 5, 6, ERROR_STEPS.length]);
});

test('an even axis maps its ends and has round ticks', () => {
  const axis = linearAxis([2, 8.6], [46, 368]);
  expect([axis.position(2), axis.position(8.6)]).toEqual([46, 368]);
  expect(axis.ticks).toEqual([2, 4, 6, 8]);
});

test('ticks of an even axis are exact where the step is not', () => {
  expect(linearAxis([0, 0.7], [0, 1]).ticks.map((tick) => tick.toFixed(3))).toEqual([
    '0.000',
    '0.200',
    '0.400',
    '0.600',
  ]);
});

test('a logarithmic axis puts equal factors at equal distances', () => {
  const axis = logAxis([0.001, 0.1], [100, 0]);
  expect(axis.position(0.01)).toBeCloseTo(50);
  expect(axis.ticks.map((tick) => Number(tick.toPrecision(3)))).toEqual([0.001, 0.003, 0.01, 0.03, 0.1]);
});

test('a logarithmic range leaves room on both sides', () => {
  expect(logRange([0.0965, 0.535])).toEqual([0.03, 1]);
  expect(logRange([0.11])).toEqual([0.1, 0.3]);
  expect(logRange([1e-9])).toEqual([1e-9, 3e-9]);
});
