import { expect, test } from 'vitest';
import {
  BITS_STEPS,
  bitsStep,
  linearAxis,
  logAxis,
  logRange,
  rankSteps,
  stepOf,
} from '../../src/app/scales.ts';

test('a step begins at its lower end', () => {
  expect([2.13, 2.5, 4.49, 4.5, 8.13].map(bitsStep)).toEqual([0, 1, 4, 5, BITS_STEPS.length]);
});

test('errors are ranked: the least has the first colour, the largest the last, at every bitrate', () => {
  const errors = [0.05, 0.02, 0.03, 0.021, 0.09, 0.04, 0.06, 0.07];
  const colours = (values: number[]) => values.map((value) => stepOf(rankSteps(values), value));
  expect(colours(errors)).toEqual([4, 0, 2, 1, 7, 3, 5, 6]);
  expect(colours(errors.map((error) => error / 50))).toEqual([4, 0, 2, 1, 7, 3, 5, 6]);
  expect(colours([0.03, 0.01])).toEqual([7, 0]);
  expect(colours([0.03])).toEqual([3]);
  const many = Array.from({ length: 160 }, (_, i) => i / 160);
  const counts = Array.from({ length: 8 }, (_, step) => colours(many).filter((each) => each === step).length);
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(11);
  expect(Math.max(...counts)).toBeLessThanOrEqual(23);
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
